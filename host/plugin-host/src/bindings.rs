//! What `bindgen!` makes of `wit/`: one module a world, and the interfaces that all worlds share once.

/// A component that judges restarts, and the shared interfaces.
pub(crate) mod judge {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "restart-judge",
        with: { "provost:plugin/snapshots.snapshot": crate::snapshot::Lent },
    });
}

/// A component that renders status.
pub(crate) mod renderer {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "status-renderer",
        with: {
            "provost:plugin/types": super::judge::provost::plugin::types,
            "provost:plugin/snapshots": super::judge::provost::plugin::snapshots,
            "provost:plugin/settings": super::judge::provost::plugin::settings,
            "provost:plugin/log": super::judge::provost::plugin::log,
        },
    });
}

/// A component that is told of changes.
pub(crate) mod listener {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "status-listener",
        with: {
            "provost:plugin/types": super::judge::provost::plugin::types,
            "provost:plugin/snapshots": super::judge::provost::plugin::snapshots,
            "provost:plugin/settings": super::judge::provost::plugin::settings,
            "provost:plugin/log": super::judge::provost::plugin::log,
        },
    });
}

pub(crate) use judge::exports::provost::plugin::restart_policy;
pub(crate) use judge::provost::plugin::{log, settings, snapshots, types};
pub(crate) use listener::exports::provost::plugin::status_consumer;
pub(crate) use renderer::exports::provost::plugin::status_view;
