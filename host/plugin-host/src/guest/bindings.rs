//! The code that `bindgen!` makes of `wit/`: one module for each world, and the shared interfaces once.

/// A component that judges restarts, and the shared interfaces.
pub(crate) mod judge {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "restart-judge",
        with: { "provost:plugin/snapshots.snapshot": crate::guest::lent::Lent },
    });
}

/// Declares one more world on the shared interfaces. The worlds that may be granted access to the outside are `async`,
/// because their calls may wait for it.
macro_rules! world {
    ($(#[$doc:meta])* $module:ident, $world:literal $(, $exports:ident)?) => {
        $(#[$doc])*
        pub(crate) mod $module {
            wasmtime::component::bindgen!({
                path: "../../wit",
                world: $world,
                $(exports: { default: $exports },)?
                with: {
                    "provost:plugin/types": super::judge::provost::plugin::types,
                    "provost:plugin/snapshots": super::judge::provost::plugin::snapshots,
                    "provost:plugin/settings": super::judge::provost::plugin::settings,
                    "provost:plugin/memory": super::judge::provost::plugin::memory,
                    "provost:plugin/log": super::judge::provost::plugin::log,
                },
            });
        }
    };
}

world! {
    /// A component that judges starts.
    starter, "start-judge"
}
world! {
    /// A component that judges health.
    checker, "health-judge"
}
world! {
    /// A component that judges how many replicas there should be.
    scaler, "scale-judge"
}
world! {
    /// A component that judges usage.
    meterer, "usage-judge"
}
world! {
    /// A component that renders status.
    renderer, "status-renderer", async
}
world! {
    /// A component that is notified of changes.
    listener, "status-listener", async
}

/// A component that checks its settings.
pub(crate) mod configured {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "configured",
        exports: { default: async },
        with: { "provost:plugin/log": super::judge::provost::plugin::log },
    });
}

pub(crate) use checker::exports::provost::plugin::health_policy;
pub(crate) use judge::exports::provost::plugin::restart_policy;
pub(crate) use judge::provost::plugin::{log, memory, settings, snapshots, types};
pub(crate) use listener::exports::provost::plugin::status_consumer;
pub(crate) use meterer::exports::provost::plugin::usage_policy;
pub(crate) use renderer::exports::provost::plugin::status_view;
pub(crate) use renderer::provost::plugin::{plugins, usages};
pub(crate) use scaler::exports::provost::plugin::scale_policy;
pub(crate) use starter::exports::provost::plugin::start_policy;
