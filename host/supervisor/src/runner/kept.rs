//! Futures that outlive the runner that waits for them. A result stays in its place until it is acted on, so that a
//! runner that ends in between leaves it to the next one, which may wait again at any time.

use std::future::{pending, poll_fn};
use std::task::Poll;

use provost_state::Incarnation;

use crate::children::Boxed;

/// A future that belongs to one life, if there is one.
pub(super) type Tagged<T> = Option<(Incarnation, Boxed<T>)>;

/// Waits for the future in `slot`, and empties the slot; waits for ever if it is empty.
pub(super) async fn next_of<T>(slot: &mut Tagged<T>) -> (Incarnation, T) {
    match slot {
        Some((incarnation, future)) => {
            let incarnation = *incarnation;
            let value = future.await;
            *slot = None;
            (incarnation, value)
        }
        None => pending().await,
    }
}

/// A future, or its result.
pub(super) struct Kept<T> {
    /// `None` once it has resolved or panicked.
    future: Option<Boxed<T>>,
    value: Option<T>,
}

impl<T> Kept<T> {
    pub(super) fn new(future: Boxed<T>) -> Self {
        Self { future: Some(future), value: None }
    }

    /// Resolves when the value is there; never if the future has panicked (see [`is_lost`](Self::is_lost)).
    pub(super) async fn settled(&mut self) {
        poll_fn(|context| {
            if self.value.is_some() {
                return Poll::Ready(());
            }
            // The future is put back only if it can be polled again: a panic drops it.
            let Some(mut future) = self.future.take() else { return Poll::Pending };
            match future.as_mut().poll(context) {
                Poll::Ready(value) => {
                    self.value = Some(value);
                    Poll::Ready(())
                }
                Poll::Pending => {
                    self.future = Some(future);
                    Poll::Pending
                }
            }
        })
        .await;
    }

    /// Returns the value, once it is there.
    pub(super) fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Takes the value, once it is there.
    pub(super) fn into_value(self) -> Option<T> {
        self.value
    }

    /// Returns true if the future has panicked: there will be no value.
    pub(super) fn is_lost(&self) -> bool {
        self.future.is_none() && self.value.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::panics::unpanicked;

    #[tokio::test]
    async fn a_value_stays_until_it_is_taken() {
        let mut kept = Kept::new(Box::pin(async {
            tokio::task::yield_now().await;
            7
        }));
        for _ in 0..3 {
            kept.settled().await;
            assert_eq!(kept.value(), Some(&7));
        }
        assert_eq!(kept.into_value(), Some(7));
    }

    #[tokio::test]
    async fn a_future_that_panics_is_lost_and_not_polled_again() {
        let mut kept: Kept<()> = Kept::new(Box::pin(async {
            tokio::task::yield_now().await;
            panic!("on purpose");
        }));
        assert_eq!(unpanicked(pin!(kept.settled())).await, Err("on purpose".to_owned()));
        assert!(kept.is_lost());
        tokio::select! {
            biased;
            () = kept.settled() => panic!("there is no value"),
            () = tokio::task::yield_now() => {}
        }
    }
}
