//! Generated glue to the contract: one world that exports every interface, of which each is loaded alone.
#![allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "generated from wit/v0.1")]

wasmtime::component::bindgen!({
    path: "../../../wit/v0.1",
    inline: "
        package playbook:bind;
        world every {
            import playbook:plugin/log@0.1.0;
            export playbook:plugin/plugin@0.1.0;
            export playbook:plugin/scoring@0.1.0;
            export playbook:plugin/segmentation@0.1.0;
            export playbook:plugin/incentive@0.1.0;
            export playbook:plugin/campaign@0.1.0;
            export playbook:plugin/roi@0.1.0;
            export playbook:plugin/diagnosis@0.1.0;
            export playbook:plugin/fitting@0.1.0;
        }
    ",
    world: "playbook:bind/every",
    // Batches are handed over as slices of the host's own columns; nothing is copied twice.
    ownership: Borrowing { duplicate_if_necessary: true },
    imports: { default: trappable },
});
