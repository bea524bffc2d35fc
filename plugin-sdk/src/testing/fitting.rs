//! Fits in native tests: the driver of the host over the plugin's own code.

use playbook_contract::{Asked, Fitter, NoModel, OBSERVED_ROWS, cut, fit};

use super::cases::keep;
use super::{Data, Opened, Test, batch};
use crate::guest::Fitting;
use crate::plugin::Fit;
use crate::problem::Problems;
use crate::types::{self, Context, Measure};

/// Numbers of buckets that must give the same model. The fit in the first is asked again in the sandbox.
const BUCKETS: [usize; 3] = [3, 1, playbook_contract::BUCKETS];

/// A plugin with the rows of each bucket.
struct Native<'a, P> {
    context: &'a Context,
    settings: &'a str,
    tables: &'a [types::Table],
    buckets: &'a [Vec<types::Batch>],
    plugin: std::marker::PhantomData<fn() -> P>,
}

/// Why there is no model, in words.
#[derive(Debug)]
enum Stop {
    /// The plugin says so.
    Refused(String),
    /// It broke the contract.
    Broken(String),
}

impl From<NoModel> for Stop {
    fn from(none: NoModel) -> Self {
        match none {
            NoModel::Refused(text) => Self::Refused(text),
            NoModel::TooManyPasses { .. } => Self::Broken(none.to_string()),
        }
    }
}

impl<P: Fit> Fitter for Native<'_, P> {
    type Instance = Fitting<P>;
    type Stop = Stop;

    fn begin(&self, pass: u32, carried: &[u8]) -> Result<Self::Instance, Stop> {
        let fitting = Fitting::new();
        let (settings, tables) = (self.settings.to_owned(), self.tables.to_vec());
        let starting = types::Starting { settings, pass, carried: carried.to_vec(), tables };
        let begun = fitting.begin(self.context, starting);
        begun.map_err(|list| Stop::Broken(Problems(list).to_string()))?;
        Ok(fitting)
    }

    fn observe(&self, instance: &mut Self::Instance, bucket: usize) -> Result<(), Stop> {
        self.buckets[bucket]
            .iter()
            .try_for_each(|batch| instance.observe(batch))
            .map_err(Stop::Refused)
    }

    fn part(&self, instance: Self::Instance) -> Result<Vec<u8>, Stop> {
        instance.part().map_err(Stop::Refused)
    }

    fn merge(
        &self,
        instance: &mut Self::Instance,
        left: &[u8],
        right: &[u8],
    ) -> Result<Vec<u8>, Stop> {
        instance.merge(left, right).map_err(Stop::Refused)
    }

    fn finish(&self, instance: Self::Instance, state: &[u8]) -> Result<types::FitStep, Stop> {
        let step = instance.finish(state).map_err(Stop::Refused)?;
        playbook_contract::check_fit_step(&step).map_err(Stop::Broken)?;
        Ok(step)
    }
}

impl<P: Fit> Test<P> {
    /// Fits on `data`, cut into several numbers of buckets that must give the same model, and
    /// keeps the model for [`Test::open`].
    ///
    /// # Errors
    /// The plugin's refusal in words, or models that differ.
    pub fn fit(mut self, data: &Data) -> Result<(Self, Vec<Measure>), String> {
        let shape = self.checked().map_err(|problems| problems.to_string())?;
        let opening = self.opening(self.tables(&shape));
        let mut first: Option<types::Fitted> = None;
        for count in BUCKETS {
            let buckets = batches(&shape, data, count)?;
            let native = Native::<P> {
                context: &self.context,
                settings: &opening.settings,
                tables: &opening.tables,
                buckets: &buckets,
                plugin: std::marker::PhantomData,
            };
            let fitted = match fit(&native, shape.fit_passes_max, count) {
                Ok((fitted, _)) => Ok(fitted),
                Err(Stop::Refused(text)) => Err(text),
                Err(Stop::Broken(text)) => return Err(text),
            };
            if first.is_none() {
                let asked = || Asked::Fit(buckets.clone(), fitted.clone());
                keep(P::ABOUT.name, &self.context, &opening, asked);
            }
            let fitted = fitted?;
            if first.get_or_insert_with(|| fitted.clone()) != &fitted {
                return Err(format!("{count} buckets give another model than {}", BUCKETS[0]));
            }
        }
        let fitted = first.ok_or("no number of buckets was tried")?;
        self.model = Some(fitted.model);
        Ok((self, fitted.measures))
    }

    /// Fits and opens.
    ///
    /// # Errors
    /// As [`Test::fit`]; problems of opening as text.
    pub fn fit_and_open(self, data: &Data) -> Result<Opened<P>, String> {
        self.fit(data)?.0.open().map_err(|problems| problems.to_string())
    }
}

/// The rows of `data` as the host cuts them into buckets and batches.
fn batches(
    shape: &types::Shape,
    data: &Data,
    buckets: usize,
) -> Result<Vec<Vec<types::Batch>>, String> {
    let of_bucket = |rows: Vec<u32>| {
        let rows: Vec<usize> = rows.into_iter().map(|row| row as usize).collect();
        rows.chunks(OBSERVED_ROWS).map(|rows| batch(shape, &data.rows_at(rows))).collect()
    };
    cut(&data.keys(), buckets, u64::MAX).into_iter().map(of_bucket).collect()
}
