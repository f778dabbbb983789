//! The macro that exports a type in any set of roles.

/// Exports a type in its roles, and the check of its settings.
///
/// ```
/// # use provost_guest::{Decision, Ended, RestartPolicy, World};
/// # #[derive(serde::Deserialize)]
/// # struct Patience {}
/// # impl RestartPolicy for Patience {
/// #     fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
/// #         Decision::stay_down("enough")
/// #     }
/// # }
/// provost_guest::export!(Patience: RestartPolicy);
/// ```
/// Several roles are separated by commas: `export!(Guard: RestartPolicy, HealthPolicy)`. A component has exactly
/// one such line.
#[macro_export]
macro_rules! export {
    ($plugin:ty: $($role:ident),+ $(,)?) => {
        $($crate::export_role!($plugin: $role);)+
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::configured;
            struct Configurable;
            impl configured::exports::provost::plugin::configurable::Guest for Configurable {
                fn validate_settings(json: ::std::string::String) -> ::core::result::Result<(), ::std::string::String> {
                    $crate::settings::validate::<$plugin>(&json, &[$(<$plugin as $crate::$role>::check),+])
                }
            }
            $crate::bindings::configured::export_configured!(Configurable with_types_in $crate::bindings::configured);
        };
    };
}

/// Exports a type in one role.
#[doc(hidden)]
#[macro_export]
macro_rules! export_role {
    ($plugin:ty: RestartPolicy) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::roles::restart::RestartPolicyExport<$plugin>;
            $crate::bindings::judge::export_restart_judge!(Exported with_types_in $crate::bindings::judge);
        };
        $crate::must_be!($plugin: RestartPolicy);
    };
    ($plugin:ty: StartPolicy) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::roles::start::StartPolicyExport<$plugin>;
            $crate::bindings::starter::export_start_judge!(Exported with_types_in $crate::bindings::starter);
        };
        $crate::must_be!($plugin: StartPolicy);
    };
    ($plugin:ty: HealthPolicy) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::roles::health::HealthPolicyExport<$plugin>;
            $crate::bindings::prober::export_health_judge!(Exported with_types_in $crate::bindings::prober);
        };
        $crate::must_be!($plugin: HealthPolicy);
    };
    ($plugin:ty: ScalePolicy) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::roles::scale::ScalePolicyExport<$plugin>;
            $crate::bindings::scaler::export_scale_judge!(Exported with_types_in $crate::bindings::scaler);
        };
        $crate::must_be!($plugin: ScalePolicy);
    };
    ($plugin:ty: UsagePolicy) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::roles::usage::UsagePolicyExport<$plugin>;
            $crate::bindings::meterer::export_usage_judge!(Exported with_types_in $crate::bindings::meterer);
        };
        $crate::must_be!($plugin: UsagePolicy);
    };
    ($plugin:ty: StatusView) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::roles::view::StatusViewExport<$plugin>;
            $crate::bindings::renderer::export_status_renderer!(Exported with_types_in $crate::bindings::renderer);
        };
        $crate::must_be!($plugin: StatusView);
    };
    ($plugin:ty: StatusConsumer) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::listener;
            struct Exported;
            impl listener::exports::provost::plugin::status_consumer::Guest for Exported {
                fn on_change(batch: $crate::Batch, world: &$crate::Snapshot) {
                    ::std::thread_local! {
                        static CONSUMER: ::std::cell::RefCell<::core::option::Option<$plugin>> =
                            const { ::std::cell::RefCell::new(::core::option::Option::None) };
                    }
                    CONSUMER.with_borrow_mut(|consumer| $crate::roles::consumer::with(consumer, &batch, world));
                }
            }
            $crate::bindings::listener::export_status_listener!(Exported with_types_in $crate::bindings::listener);
        };
        $crate::must_be!($plugin: StatusConsumer);
    };
}

/// Fails to compile, natively as well, if a type does not implement its role.
#[doc(hidden)]
#[macro_export]
macro_rules! must_be {
    ($plugin:ty: $role:ident) => {
        const _: () = {
            const fn exported<P: $crate::$role>() {}
            exported::<$plugin>()
        };
    };
}
