//! What the sandbox costs the reference plugins: the rows of `playbook plugin bench` asked of the same code native.
//!
//! `cargo bench --workspace --bench plugins` prints a table of installed plugins: medians of one run on one machine. After
//! `--bench plugins --` come names of plugins, and
//!
//! - `--playbook PATH`: the program, where it is not beside this one;
//! - `--metering fuel|epoch`;
//! - `--cards`: a line for each card of an engine, not only for the one that takes longest a row.
//!
//! Each plugin is measured by the program first and natively right after, in one thread. Answers must be the same.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints"
)]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use playbook_contract::{Asked, Case, Context, Opening};
use playbook_sdk::guest::Instance;
use playbook_sdk::{Campaign, Diagnosis, Incentive, Plugin, Roi, Scoring, Segmentation};
use serde_json::Value;

/// How long one figure is measured.
const FIGURE_TIME: Duration = Duration::from_millis(300);
/// Least length of a sample.
const SAMPLE_TIME: Duration = Duration::from_micros(500);
/// Samples of which the median is taken, however long one takes.
const SAMPLES_MIN: usize = 5;
/// Rows of a batch.
const BATCH: u64 = 4_096;

/// A plugin as native code.
trait Native {
    fn open(&self, context: &Context, opening: Opening) -> Result<(), String>;

    /// Asks what was asked in the sandbox; where `compares`, whether the answer is the same.
    fn ask(&self, context: &Context, asked: &Asked, compares: bool) -> bool;
}

/// Asks, keeps the answer from being optimised away, and compares it where that is wanted.
macro_rules! said {
    ($compares:expr, $answer:expr, $told:expr) => {{
        let answer = black_box($answer);
        !$compares || answer == *$told
    }};
}

macro_rules! kinds {
    ($($name:ident: $kind:ident { $($asked:pat => ($call:ident $(, $given:expr)*) == $told:expr),* })*) => {$(
        struct $name<P>(Instance<P>);

        impl<P: $kind + Plugin> Native for $name<P> {
            fn open(&self, context: &Context, opening: Opening) -> Result<(), String> {
                self.0.open(context, opening).map_err(|problems| format!("{problems:?}"))
            }

            fn ask(&self, context: &Context, asked: &Asked, compares: bool) -> bool {
                match asked {
                    $($asked => said!(compares, self.0.$call(context $(, $given)*), $told),)*
                    other => panic!("a plugin of another kind was asked {other:?}"),
                }
            }
        }
    )*};
}

kinds! {
    Scores: Scoring { Asked::Score(rows, told) => (score, rows) == told }
    Assigns: Segmentation { Asked::Assign(rows, told) => (assign, rows) == told }
    Proposes: Incentive { Asked::Propose(rows, told) => (propose, rows) == told }
    Plans: Campaign {
        Asked::Plan(budget, told) => (plan, *budget) == told,
        Asked::Touch(phase, rows, told) => (touch, *phase, rows) == told
    }
    Values: Roi { Asked::Value(told) => (value) == told }
    Diagnoses: Diagnosis {
        Asked::Diagnose(told) => (diagnose) == told,
        Asked::Screen(rows, told) => (screen, rows) == told
    }
}

macro_rules! plugins {
    ($($name:literal => $plugin:ty: $kind:ident,)*) => {
        const PLUGINS: &[&str] = &[$($name),*];

        fn native(name: &str) -> Box<dyn Native> {
            match name {
                $($name => Box::new($kind::<$plugin>(Instance::new())),)*
                other => panic!("`{other}` is no reference plugin"),
            }
        }
    };
}

plugins! {
    "anomaly-3sigma" => anomaly_3sigma::Anomaly: Diagnoses,
    "attribution-matrix" => attribution_matrix::AttributionMatrix: Values,
    "behaviour-points" => behaviour_points::BehaviourPoints: Scores,
    "benefit-share" => benefit_share::BenefitShare: Proposes,
    "brand-premium" => brand_premium::BrandPremium: Values,
    "channel-health" => channel_health::ChannelHealth: Values,
    "churn-7d" => churn_7d::ChurnSevenDays: Scores,
    "content-guard" => content_guard::ContentGuard: Diagnoses,
    "content-mix" => content_mix::ContentMix: Plans,
    "contribution" => contribution::Contribution: Scores,
    "depreciation" => depreciation::Depreciation: Values,
    "elastic-pool" => elastic_pool::ElasticPool: Values,
    "fraud" => fraud::Fraud: Diagnoses,
    "funnel" => funnel::Funnel: Diagnoses,
    "honours-governance" => honours_governance::HonoursGovernance: Diagnoses,
    "hot-topic" => hot_topic::HotTopic: Plans,
    "interest-groups" => interest_groups::InterestGroups: Assigns,
    "kmeans" => kmeans::KMeans: Assigns,
    "kol-index" => kol_index::KolIndex: Scores,
    "ladder-exchange" => ladder_exchange::LadderExchange: Proposes,
    "ltv" => ltv::Ltv: Scores,
    "ltv-bgbb" => ltv_bgbb::Ltv: Scores,
    "ltv-bgnbd" => ltv_bgnbd::Ltv: Scores,
    "ltv-pareto-nbd" => ltv_pareto_nbd::Ltv: Scores,
    "ltv-sbg" => ltv_sbg::Ltv: Scores,
    "monitor" => monitor::Monitor: Diagnoses,
    "monitor-7" => monitor_7::Monitor: Diagnoses,
    "opinion-risk" => opinion_risk::OpinionRisk: Diagnoses,
    "phases-3" => phases_3::ThreePhases: Plans,
    "platform-split" => platform_split::PlatformSplit: Values,
    "points-exchange" => points_exchange::PointsExchange: Proposes,
    "quality-linkage" => quality_linkage::QualityLinkage: Diagnoses,
    "recommend" => recommend::Recommend: Scores,
    "reputation" => reputation::Reputation: Scores,
    "retention" => retention::Retention: Diagnoses,
    "reward-rules" => reward_rules::RewardRules: Proposes,
    "risk-return" => risk_return::RiskReturn: Values,
    "roi-base" => roi_base::RoiBase: Values,
    "roi-floor" => roi_floor::RoiFloor: Proposes,
    "roi-forecast" => roi_forecast::RoiForecast: Values,
    "roi-risk" => roi_risk::RoiRisk: Values,
    "roi-scene" => roi_scene::RoiScene: Values,
    "roi-three" => roi_three::RoiThree: Values,
    "row-card" => row_card::RowCard: Scores,
    "rule-ladder" => rule_ladder::RuleLadder: Assigns,
    "score-card" => score_card::ScoreCard: Diagnoses,
    "send-time" => send_time::SendTime: Plans,
    "sentiment-involvement" => sentiment_involvement::Sentiment: Scores,
    "stage-plan" => stage_plan::StagePlan: Plans,
    "value-rfm" => value_rfm::ValueRfm: Scores,
}

/// One call in both worlds.
#[derive(Debug)]
struct Pair {
    sandbox_ns: f64,
    native_ns: f64,
    fuel_a_row: Option<u64>,
}

/// A function of a plugin under settings.
#[derive(Debug)]
struct Line {
    name: String,
    call: String,
    kilobytes: f64,
    compile_ms: f64,
    start_us: f64,
    one: Pair,
    /// `None` where the plugin cannot answer so many.
    many: Option<Pair>,
}

struct Options {
    playbook: PathBuf,
    metering: String,
    each_card: bool,
    plugins: Vec<String>,
}

fn main() {
    let options = options();
    println!(
        "| plugin | call | KB | compile ms | start us | one row, us | native | {BATCH} rows, ns a row | native | ratio | fuel a row |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (at, plugin) in (1..).zip(&options.plugins) {
        eprintln!("  {at} of {}  {plugin}", options.plugins.len());
        let mut lines = measured(&options, plugin);
        if !options.each_card {
            slowest_of_each_call(&mut lines);
        }
        lines.iter().for_each(print);
    }
}

fn options() -> Options {
    let beside = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("playbook");
    let mut options = Options {
        playbook: beside,
        metering: "fuel".to_owned(),
        each_card: false,
        plugins: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--playbook" => options.playbook = arguments.next().expect("a path").into(),
            "--metering" => options.metering = arguments.next().expect("fuel or epoch"),
            "--cards" => options.each_card = true,
            // Cargo adds it.
            "--bench" => {}
            _ => options.plugins.push(argument),
        }
    }
    if options.plugins.is_empty() {
        options.plugins = PLUGINS.iter().map(|name| (*name).to_owned()).collect();
    }
    options
}

/// Measures a plugin under all its settings, in the sandbox and then natively.
fn measured(options: &Options, plugin: &str) -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    let said = Command::new(&options.playbook)
        .args(["plugin", "bench", plugin, "--json", "--metering", &options.metering, "--keep"])
        .arg(folder.path())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", options.playbook.display()));
    // A call that a plugin could not answer fails the program, which tells the others all the same.
    let figures: Vec<Value> = serde_json::from_slice(&said.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&said.stderr)));
    figures.iter().flat_map(|figures| lines(figures, folder.path())).collect()
}

/// The calls of a plugin under settings.
fn lines(figures: &Value, folder: &Path) -> Vec<Line> {
    let plugin = figures["plugin"].as_str().unwrap();
    let card = figures["card"].as_str();
    for stopped in figures["stopped"].as_array().unwrap().iter().filter_map(Value::as_str) {
        eprintln!("  {plugin} {} is not measured further; {stopped}", card.unwrap_or(""));
    }
    let file = card.map_or_else(|| plugin.to_owned(), |card| format!("{plugin}@{card}"));
    let cases = BufReader::new(File::open(folder.join(format!("{file}.jsonl"))).unwrap());
    let cases: Vec<Case> =
        cases.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let calls = figures["calls"].as_array().unwrap().iter();
    // A fit is no call about members, and has no case.
    let calls = calls.filter(|call| call["call"] != "fit");
    let line = |call: &Value| {
        let name = call["call"].as_str().unwrap();
        let pair = |rows: u64| {
            let sizes = call["sizes"].as_array().unwrap();
            let size = sizes.iter().find(|size| size["rows"] == rows)?;
            let case = cases.iter().find(|case| case.test == format!("{name} of {rows}"))?;
            Some(Pair {
                sandbox_ns: size["us_a_call"].as_f64().unwrap() * 1e3,
                native_ns: natively(case),
                fuel_a_row: size["fuel"].as_u64().map(|fuel| fuel / rows),
            })
        };
        Some(Line {
            name: card
                .map_or_else(|| format!("`{plugin}`"), |card| format!("`{plugin}`, `{card}`")),
            call: name.to_owned(),
            kilobytes: figures["bytes"].as_f64().unwrap() / 1e3,
            compile_ms: figures["compile_ms"].as_f64().unwrap(),
            start_us: figures["instantiate_us"].as_f64().unwrap(),
            one: pair(1)?,
            many: pair(BATCH),
        })
    };
    calls.filter_map(line).collect()
}

/// Median nanoseconds of a call of the native plugin, which must answer as the sandbox did.
fn natively(case: &Case) -> f64 {
    let plugin = native(&case.plugin);
    plugin.open(&case.context, case.opening.clone()).unwrap();
    let ask = |compares| plugin.ask(&case.context, black_box(&case.asked), compares);
    assert!(ask(true), "{}, {}: another answer than in the sandbox", case.plugin, case.test);
    let begun = Instant::now();
    ask(false);
    let once = begun.elapsed().max(Duration::from_nanos(20));
    let each = SAMPLE_TIME.as_nanos().div_ceil(once.as_nanos()).max(1);
    let mut samples = Vec::new();
    let begun = Instant::now();
    while samples.len() < SAMPLES_MIN || begun.elapsed() < FIGURE_TIME {
        let begun = Instant::now();
        for _ in 0..each {
            ask(false);
        }
        samples.push(begun.elapsed().as_nanos() as f64 / each as f64);
    }
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Keeps of each call the settings under which a row of a batch takes longest.
fn slowest_of_each_call(lines: &mut Vec<Line>) {
    let cost = |line: &Line| line.many.as_ref().map_or(0.0, |many| many.sandbox_ns);
    lines.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
    let mut seen = Vec::new();
    lines.retain(|line| {
        let is_new = !seen.contains(&line.call);
        seen.push(line.call.clone());
        is_new
    });
    lines.sort_by(|a, b| a.call.cmp(&b.call));
}

fn print(line: &Line) {
    let Line { name, call, kilobytes, compile_ms, start_us, one, many } = line;
    let many = many.as_ref().map_or_else(
        || "| | | ".to_owned(),
        |many| {
            let a_row = |ns: f64| ns / BATCH as f64;
            let fuel = many.fuel_a_row.map_or_else(String::new, |fuel| fuel.to_string());
            let (sandbox, native) = (a_row(many.sandbox_ns), a_row(many.native_ns));
            format!("{sandbox:.1} | {native:.1} | {:.2} | {fuel}", sandbox / native)
        },
    );
    println!(
        "| {name} | {call} | {kilobytes:.1} | {compile_ms:.0} | {start_us:.0} | {:.2} | {:.2} | {many} |",
        one.sandbox_ns / 1e3,
        one.native_ns / 1e3,
    );
}
