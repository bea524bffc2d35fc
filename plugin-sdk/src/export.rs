//! The macro that makes a plugin type a component.

/// Makes a type the plugin of this component: `export!(MyPlugin: scoring)`, or
/// `export!(MyPlugin: fitted scoring)` where it implements [`Fit`](crate::Fit) too.
///
/// Kinds: `scoring`, `segmentation`, `incentive`, `campaign`, `roi`, `diagnosis`. Natively it only
/// checks that the traits are there, so that plugins can be tested and linked side by side.
#[macro_export]
macro_rules! export {
    ($plugin:ty : fitted $kind:ident) => {
        $crate::export!($plugin: $kind);
        const _: () = {
            const fn fits<P: $crate::Fit>() {}
            fits::<$plugin>();
        };
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::fitting::exports::playbook::plugin::fitting as wire;
            use $crate::types;
            ::std::thread_local! {
                static FITTING: $crate::guest::Fitting<$plugin> =
                    const { $crate::guest::Fitting::new() };
            }
            struct Component;
            impl wire::Guest for Component {
                fn begin(
                    context: types::Context,
                    starting: types::Starting,
                ) -> Result<(), Vec<types::Problem>> {
                    FITTING.with(|fit| fit.begin(&context, starting))
                }
                fn observe(rows: types::Batch) -> Result<(), String> {
                    FITTING.with(|fit| fit.observe(&rows))
                }
                fn part() -> Result<Vec<u8>, String> {
                    FITTING.with(|fit| fit.part())
                }
                fn merge(left: Vec<u8>, right: Vec<u8>) -> Result<Vec<u8>, String> {
                    FITTING.with(|fit| fit.merge(&left, &right))
                }
                fn finish(state: Vec<u8>) -> Result<types::FitStep, String> {
                    FITTING.with(|fit| fit.finish(&state))
                }
            }
            $crate::bindings::fitting::export!(Component with_types_in $crate::bindings::fitting);
        };
    };
    ($plugin:ty : scoring) => {
        $crate::__export!($plugin, Scoring, scoring, {
            fn score(context: types::Context, rows: types::Batch) -> Result<types::RowAnswer, String> {
                INSTANCE.with(|instance| instance.score(&context, &rows))
            }
            fn explain(context: types::Context, rows: types::Batch) -> Result<Vec<types::Factor>, String> {
                INSTANCE.with(|instance| instance.explain(&context, &rows))
            }
        });
    };
    ($plugin:ty : segmentation) => {
        $crate::__export!($plugin, Segmentation, segmentation, {
            fn assign(context: types::Context, rows: types::Batch) -> Result<types::Segments, String> {
                INSTANCE.with(|instance| instance.assign(&context, &rows))
            }
        });
    };
    ($plugin:ty : incentive) => {
        $crate::__export!($plugin, Incentive, incentive, {
            fn propose(context: types::Context, rows: types::Batch) -> Result<types::Proposals, String> {
                INSTANCE.with(|instance| instance.propose(&context, &rows))
            }
        });
    };
    ($plugin:ty : campaign) => {
        $crate::__export!($plugin, Campaign, campaign, {
            fn plan(context: types::Context, budget: i64) -> Result<types::CampaignPlan, String> {
                INSTANCE.with(|instance| instance.plan(&context, budget))
            }
            fn touch(
                context: types::Context,
                phase: u32,
                rows: types::Batch,
            ) -> Result<types::Proposals, String> {
                INSTANCE.with(|instance| instance.touch(&context, phase, &rows))
            }
        });
    };
    ($plugin:ty : roi) => {
        $crate::__export!($plugin, Roi, roi, {
            fn value(context: types::Context) -> Result<types::TableAnswer, String> {
                INSTANCE.with(|instance| instance.value(&context))
            }
        });
    };
    ($plugin:ty : diagnosis) => {
        $crate::__export!($plugin, Diagnosis, diagnosis, {
            fn diagnose(context: types::Context) -> Result<types::TableAnswer, String> {
                INSTANCE.with(|instance| instance.diagnose(&context))
            }
            fn screen(context: types::Context, rows: types::Batch) -> Result<types::RowAnswer, String> {
                INSTANCE.with(|instance| instance.screen(&context, &rows))
            }
        });
    };
}

/// The part of `export!` that all kinds share.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($plugin:ty, $trait:ident, $kind:ident, { $($functions:tt)* }) => {
        const _: () = {
            const fn is_of_kind<P: $crate::$trait>() {}
            is_of_kind::<$plugin>();
        };
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::$kind::exports::playbook::plugin::$kind as wire_kind;
            use $crate::bindings::plugin::exports::playbook::plugin::plugin as wire_plugin;
            use $crate::types;
            ::std::thread_local! {
                static INSTANCE: $crate::guest::Instance<$plugin> =
                    const { $crate::guest::Instance::new() };
            }
            struct Component;
            impl wire_plugin::Guest for Component {
                fn describe() -> types::Description {
                    type Settings = <$plugin as $crate::Plugin>::Settings;
                    const SCHEMA: &$crate::settings::Schema =
                        <Settings as $crate::settings::Setting>::SCHEMA;
                    const DOCS: &$crate::settings::Docs =
                        <Settings as $crate::settings::Setting>::DOCS;
                    static BYTES: [u8; $crate::schema_text::length(SCHEMA, DOCS)] =
                        $crate::schema_text::text(SCHEMA, DOCS);
                    static TEXT: &str = $crate::schema_text::as_text(&BYTES);
                    $crate::guest::describe::<$plugin>(types::Kind::$trait, TEXT)
                }
                fn check(settings: String) -> Result<types::Shape, Vec<types::Problem>> {
                    $crate::guest::check::<$plugin>(&settings)
                }
                fn open(
                    context: types::Context,
                    opening: types::Opening,
                ) -> Result<(), Vec<types::Problem>> {
                    INSTANCE.with(|instance| instance.open(&context, opening))
                }
            }
            impl wire_kind::Guest for Component {
                $($functions)*
            }
            $crate::bindings::plugin::export!(Component with_types_in $crate::bindings::plugin);
            $crate::bindings::$kind::export!(Component with_types_in $crate::bindings::$kind);
        };
    };
}
