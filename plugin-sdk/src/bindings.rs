//! Bindings to the contract: its log, and one world per exported interface, over the types of `playbook-contract`.
//!
//! A component's world is the union of the worlds whose `export!` it uses, so that twelve worlds
//! need eight small ones here. Nothing of this module is for authors.

/// The log, shared by all worlds.
pub mod base {
    wit_bindgen::generate!({
        path: "../wit/v0.1",
        inline: "package playbook:base; world base { import playbook:plugin/log@0.1.0; }",
        world: "playbook:base/base",
        generate_all,
    });
}

macro_rules! world {
    ($module:ident, $inline:literal, $world:literal) => {
        /// Bindings of one exported interface.
        pub mod $module {
            wit_bindgen::generate!({
                path: "../wit/v0.1",
                inline: $inline,
                world: $world,
                pub_export_macro: true,
                with: {
                    "playbook:plugin/types@0.1.0": playbook_contract,
                },
            });
        }
    };
}

world!(
    plugin,
    "package playbook:base; world sdk-plugin { export playbook:plugin/plugin@0.1.0; }",
    "playbook:base/sdk-plugin"
);
world!(
    scoring,
    "package playbook:base; world sdk-scoring { export playbook:plugin/scoring@0.1.0; }",
    "playbook:base/sdk-scoring"
);
world!(
    segmentation,
    "package playbook:base; world sdk-segmentation { export playbook:plugin/segmentation@0.1.0; }",
    "playbook:base/sdk-segmentation"
);
world!(
    incentive,
    "package playbook:base; world sdk-incentive { export playbook:plugin/incentive@0.1.0; }",
    "playbook:base/sdk-incentive"
);
world!(
    campaign,
    "package playbook:base; world sdk-campaign { export playbook:plugin/campaign@0.1.0; }",
    "playbook:base/sdk-campaign"
);
world!(
    roi,
    "package playbook:base; world sdk-roi { export playbook:plugin/roi@0.1.0; }",
    "playbook:base/sdk-roi"
);
world!(
    diagnosis,
    "package playbook:base; world sdk-diagnosis { export playbook:plugin/diagnosis@0.1.0; }",
    "playbook:base/sdk-diagnosis"
);
world!(
    fitting,
    "package playbook:base; world sdk-fitting { export playbook:plugin/fitting@0.1.0; }",
    "playbook:base/sdk-fitting"
);
