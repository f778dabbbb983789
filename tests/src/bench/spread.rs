//! The median of several measurements, with their range.

use serde_json::{Value, json};

/// The median, the least and the greatest.
#[must_use]
pub fn spread(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    match (values.first(), values.last()) {
        (Some(least), Some(greatest)) => (values[values.len() / 2], *least, *greatest),
        _ => (f64::NAN, f64::NAN, f64::NAN),
    }
}

/// The median and the range, as they stand in the JSON.
#[must_use]
pub fn spread_json(values: Vec<f64>) -> Value {
    let (median, least, greatest) = spread(values);
    json!({ "median": median, "least": least, "greatest": greatest })
}
