# Shortcuts for `just`; `.ci/step NAME` runs a step of the gate without it.

# Lists the steps.
default:
    @.ci/step

# Runs the whole gate.
gate:
    .ci/run

# Runs some steps of the gate, such as `just step format lint`.
step +names:
    .ci/step {{names}}

# Builds the component of one plugin, such as `just guest plugins/backoff`.
guest dir:
    cargo run --locked -- plugin build {{dir}}

# Runs the tests with nextest, and the examples of the documentation with Cargo.
test *filter:
    cargo nextest run --locked {{filter}}
    cargo test --locked --doc
