//! The code that wit-bindgen generates from `wit`: one module for each world. The interfaces that plugins
//! import are generated once, in `judge`, and shared by the other worlds, so that one crate may play several roles.
//!
//! The exports of a world, and the section that describes them, get into a component only through the macro of
//! its role.

/// The world `restart-judge`, and the interfaces that all worlds import.
pub mod judge {
    wit_bindgen::generate!({
        path: "wit",
        world: "restart-judge",
        pub_export_macro: true,
        export_macro_name: "export_restart_judge",
        additional_derives: [PartialEq],
        generate_all,
    });
}

/// The world `start-judge`.
pub mod starter {
    wit_bindgen::generate!({
        path: "wit",
        world: "start-judge",
        pub_export_macro: true,
        export_macro_name: "export_start_judge",
        additional_derives: [PartialEq],
        with: {
            "provost:plugin/types@0.1.0": super::judge::provost::plugin::types,
            "provost:plugin/snapshots@0.1.0": super::judge::provost::plugin::snapshots,
            "provost:plugin/settings@0.1.0": super::judge::provost::plugin::settings,
            "provost:plugin/memory@0.1.0": super::judge::provost::plugin::memory,
            "provost:plugin/log@0.1.0": super::judge::provost::plugin::log,
        },
    });
}

/// The world `health-judge`.
pub mod prober {
    wit_bindgen::generate!({
        path: "wit",
        world: "health-judge",
        pub_export_macro: true,
        export_macro_name: "export_health_judge",
        additional_derives: [PartialEq],
        with: {
            "provost:plugin/types@0.1.0": super::judge::provost::plugin::types,
            "provost:plugin/snapshots@0.1.0": super::judge::provost::plugin::snapshots,
            "provost:plugin/settings@0.1.0": super::judge::provost::plugin::settings,
            "provost:plugin/memory@0.1.0": super::judge::provost::plugin::memory,
            "provost:plugin/log@0.1.0": super::judge::provost::plugin::log,
        },
    });
}

/// The world `scale-judge`.
pub mod scaler {
    wit_bindgen::generate!({
        path: "wit",
        world: "scale-judge",
        pub_export_macro: true,
        export_macro_name: "export_scale_judge",
        additional_derives: [PartialEq],
        with: {
            "provost:plugin/types@0.1.0": super::judge::provost::plugin::types,
            "provost:plugin/snapshots@0.1.0": super::judge::provost::plugin::snapshots,
            "provost:plugin/settings@0.1.0": super::judge::provost::plugin::settings,
            "provost:plugin/memory@0.1.0": super::judge::provost::plugin::memory,
            "provost:plugin/log@0.1.0": super::judge::provost::plugin::log,
        },
    });
}

/// The world `usage-judge`.
pub mod meterer {
    wit_bindgen::generate!({
        path: "wit",
        world: "usage-judge",
        pub_export_macro: true,
        export_macro_name: "export_usage_judge",
        additional_derives: [PartialEq],
        with: {
            "provost:plugin/types@0.1.0": super::judge::provost::plugin::types,
            "provost:plugin/snapshots@0.1.0": super::judge::provost::plugin::snapshots,
            "provost:plugin/settings@0.1.0": super::judge::provost::plugin::settings,
            "provost:plugin/memory@0.1.0": super::judge::provost::plugin::memory,
            "provost:plugin/log@0.1.0": super::judge::provost::plugin::log,
        },
    });
}

/// The world `status-renderer`.
pub mod renderer {
    wit_bindgen::generate!({
        path: "wit",
        world: "status-renderer",
        pub_export_macro: true,
        export_macro_name: "export_status_renderer",
        additional_derives: [PartialEq],
        with: {
            "provost:plugin/types@0.1.0": super::judge::provost::plugin::types,
            "provost:plugin/snapshots@0.1.0": super::judge::provost::plugin::snapshots,
            "provost:plugin/settings@0.1.0": super::judge::provost::plugin::settings,
            "provost:plugin/memory@0.1.0": super::judge::provost::plugin::memory,
            "provost:plugin/log@0.1.0": super::judge::provost::plugin::log,
        },
    });
}

/// The world `status-listener`.
pub mod listener {
    wit_bindgen::generate!({
        path: "wit",
        world: "status-listener",
        pub_export_macro: true,
        export_macro_name: "export_status_listener",
        additional_derives: [PartialEq],
        with: {
            "provost:plugin/types@0.1.0": super::judge::provost::plugin::types,
            "provost:plugin/snapshots@0.1.0": super::judge::provost::plugin::snapshots,
            "provost:plugin/settings@0.1.0": super::judge::provost::plugin::settings,
            "provost:plugin/memory@0.1.0": super::judge::provost::plugin::memory,
            "provost:plugin/log@0.1.0": super::judge::provost::plugin::log,
        },
    });
}

/// The world `configured`.
pub mod configured {
    wit_bindgen::generate!({
        path: "wit",
        world: "configured",
        pub_export_macro: true,
        export_macro_name: "export_configured",
        additional_derives: [PartialEq],
        with: {
            "provost:plugin/log@0.1.0": super::judge::provost::plugin::log,
        },
    });
}
