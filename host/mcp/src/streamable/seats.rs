//! The seats of sessions: how many each caller has, and which session ends for a new one. A session is idle while it has no
//! request in progress and no open stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::transport::common::server_side_http::SessionId;
use tokio::time::Instant;

/// The most sessions of one owner.
pub(super) const OWNED_MAX: usize = 16;

/// The most sessions of all owners.
const SEATS_MAX: usize = 256;

/// A session that has been idle for this long ends.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(300);

/// Who has a session. Nobody else can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The callers on the Unix socket of the host, all of whom may do everything.
    Socket,
    /// The callers with the token of this name.
    Token(Arc<str>),
}

/// There is no seat for another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// The owner has as many as one may have.
    #[error("this caller has {OWNED_MAX} sessions, and all of them are in use")]
    Owner,
    /// There are as many as there may be.
    #[error("there are {SEATS_MAX} sessions, and none of them may end for another")]
    Everything,
}

#[derive(Debug)]
struct Seat {
    number: u64,
    owner: Owner,
    /// `None` while the session is being created.
    session: Option<SessionId>,
    /// The number of requests in progress and of open streams.
    open: usize,
    /// When the last one of them began or ended.
    used_at: Instant,
}

impl Seat {
    fn is_idle(&self) -> bool {
        self.session.is_some() && self.open == 0
    }
}

#[derive(Debug, Default)]
struct Taken {
    seats: Vec<Seat>,
    /// The number of the next seat.
    next: u64,
    is_watched: bool,
}

impl Taken {
    fn owned_by(&self, owner: &Owner) -> usize {
        self.seats.iter().filter(|seat| seat.owner == *owner).count()
    }

    /// Makes room for another session of `owner`, and returns the session that has to end for it.
    fn make_room(&mut self, owner: &Owner) -> Result<Option<SessionId>, Full> {
        let owned = self.owned_by(owner);
        let full = match (owned < OWNED_MAX, self.seats.len() < SEATS_MAX) {
            (true, true) => return Ok(None),
            (false, _) => Full::Owner,
            (true, false) => Full::Everything,
        };
        // Only those who have more than this owner give something up for it.
        let may_end = |seat: &Seat| {
            let has_more = full == Full::Everything && self.owned_by(&seat.owner) > owned;
            seat.is_idle() && (seat.owner == *owner || has_more)
        };
        let ends = self.seats.iter().enumerate().filter(|(_, seat)| may_end(seat));
        let (at, _) = ends.min_by_key(|(_, seat)| seat.used_at).ok_or(full)?;
        Ok(self.seats.remove(at).session)
    }
}

/// The seats. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats(Arc<Mutex<Taken>>);

/// The seat of a session that is being created. It is free again if it is dropped.
#[derive(Debug)]
pub(super) struct Reserved {
    seats: Seats,
    number: u64,
}

/// A request in progress or an open stream of a session, until it is dropped.
#[derive(Debug)]
pub(super) struct Open {
    seats: Seats,
    number: u64,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a seat, and returns the session that has to end for it: the idle one of this owner that was used the longest time
    /// ago.
    ///
    /// # Errors
    /// [`Full`].
    pub(super) fn reserve(&self, owner: &Owner) -> Result<(Reserved, Option<SessionId>), Full> {
        let mut taken = self.lock();
        let ends = taken.make_room(owner)?;
        let number = taken.next;
        taken.next += 1;
        let seat = Seat { number, owner: owner.clone(), session: None, open: 0, used_at: Instant::now() };
        taken.seats.push(seat);
        Ok((Reserved { seats: self.clone(), number }, ends))
    }

    /// Whether a session is one of another owner.
    pub(super) fn is_foreign(&self, id: &str, owner: &Owner) -> bool {
        let taken = self.lock();
        let seat = taken.seats.iter().find(|seat| seat.session.as_deref() == Some(id));
        seat.is_some_and(|seat| seat.owner != *owner)
    }

    /// Begins a request or a stream of a session; `None` if there is no such session.
    pub(super) fn open(&self, id: &SessionId) -> Option<Open> {
        let mut taken = self.lock();
        let seat = taken.seats.iter_mut().find(|seat| seat.session.as_ref() == Some(id))?;
        seat.open += 1;
        seat.used_at = Instant::now();
        Some(Open { seats: self.clone(), number: seat.number })
    }

    /// Frees the seat of a session, if it has one.
    pub(super) fn free(&self, id: &SessionId) {
        self.lock().seats.retain(|seat| seat.session.as_ref() != Some(id));
    }

    /// Whether the caller has to watch for idle sessions, because nobody does.
    pub(super) fn is_to_be_watched(&self) -> bool {
        !std::mem::replace(&mut self.lock().is_watched, true)
    }

    /// Frees the seats of the sessions that have been idle for too long. Returns these sessions, and when to look again; `None`
    /// if no session is left, which ends the watch.
    pub(super) fn free_idle(&self, now: Instant) -> (Vec<SessionId>, Option<Instant>) {
        let mut taken = self.lock();
        let mut ended = Vec::new();
        taken.seats.retain(|seat| {
            let ends = seat.is_idle() && seat.used_at + IDLE_MAX <= now;
            ended.extend(seat.session.clone().filter(|_| ends));
            !ends
        });
        // An open stream that ends now leaves its session for the longest time.
        let due = |seat: &Seat| if seat.is_idle() { seat.used_at + IDLE_MAX } else { now + IDLE_MAX };
        let next = taken.seats.iter().map(due).min();
        taken.is_watched = next.is_some();
        (ended, next)
    }

    #[cfg(test)]
    fn count(&self, owner: &Owner) -> usize {
        self.lock().owned_by(owner)
    }
}

impl Reserved {
    /// Gives the seat to the session that was created.
    pub(super) fn give_to(self, id: &SessionId) {
        let mut taken = self.seats.lock();
        if let Some(seat) = taken.seats.iter_mut().find(|seat| seat.number == self.number) {
            seat.session = Some(id.clone());
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.seats.lock().seats.retain(|seat| seat.number != self.number || seat.session.is_some());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        if let Some(seat) = taken.seats.iter_mut().find(|seat| seat.number == self.number) {
            seat.open -= 1;
            seat.used_at = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str) -> Owner {
        Owner::Token(name.into())
    }

    /// Creates a session and returns its id, with the one that ended for it.
    fn sit(seats: &Seats, owner: &Owner) -> Result<(SessionId, Option<SessionId>), Full> {
        let (reserved, ends) = seats.reserve(owner)?;
        let id: SessionId = format!("{owner:?} {}", reserved.number).into();
        reserved.give_to(&id);
        Ok((id, ends))
    }

    fn sit_all(seats: &Seats, owner: &Owner) -> Vec<SessionId> {
        (0..OWNED_MAX).map(|_| sit(seats, owner).unwrap().0).collect()
    }

    #[test]
    fn the_oldest_idle_session_of_an_owner_ends_for_its_next_one() {
        let (seats, greedy, other) = (Seats::default(), token("greedy"), Owner::Socket);
        let (kept, _) = sit(&seats, &other).unwrap();
        let ids = sit_all(&seats, &greedy);
        let stream = seats.open(&ids[0]).unwrap();
        drop(seats.open(&ids[1]));
        assert_eq!(
            sit(&seats, &greedy).unwrap().1.as_ref(),
            Some(&ids[2]),
            "two are used or were used later"
        );
        assert_eq!((seats.count(&greedy), seats.count(&other)), (OWNED_MAX, 1));
        assert!(seats.open(&kept).is_some() && seats.open(&ids[2]).is_none());
        assert!(seats.is_foreign(&kept, &greedy) && !seats.is_foreign(&kept, &other));
        drop(stream);
    }

    #[test]
    fn sessions_in_use_are_not_ended_and_unfinished_ones_are_given_up() {
        let (seats, owner) = (Seats::default(), Owner::Socket);
        let ids = sit_all(&seats, &owner);
        let streams: Vec<_> = ids.iter().map(|id| seats.open(id)).collect();
        assert_eq!(sit(&seats, &owner).unwrap_err(), Full::Owner);
        drop(streams);
        let (reserved, ends) = seats.reserve(&owner).unwrap();
        assert_eq!(ends.as_ref(), Some(&ids[0]));
        drop(reserved);
        assert_eq!(seats.count(&owner), OWNED_MAX - 1);
    }

    #[test]
    fn a_newcomer_gets_a_seat_of_those_who_have_the_most() {
        let seats = Seats::default();
        let owners: Vec<_> = (0..SEATS_MAX / OWNED_MAX).map(|number| token(&number.to_string())).collect();
        let ids: Vec<_> = owners.iter().flat_map(|owner| sit_all(&seats, owner)).collect();
        let late = token("late");
        let mut of_late = Vec::new();
        // Of the first owner as long as it has more, then of the second one.
        for taken in ids[..OWNED_MAX / 2].iter().chain(&ids[OWNED_MAX..OWNED_MAX + 4]) {
            let (id, ends) = sit(&seats, &late).unwrap();
            assert_eq!(ends.as_ref(), Some(taken));
            of_late.push(id);
        }
        let _used: Vec<_> = ids.iter().chain(&of_late).map(|id| seats.open(id)).collect();
        assert_eq!(sit(&seats, &token("later")).unwrap_err(), Full::Everything);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_it_was_idle_for_too_long() {
        let (seats, owner) = (Seats::default(), Owner::Socket);
        let (idle, used) = (sit(&seats, &owner).unwrap().0, sit(&seats, &owner).unwrap().0);
        let stream = seats.open(&used);
        tokio::time::advance(IDLE_MAX).await;
        let (ended, next) = seats.free_idle(Instant::now());
        assert_eq!((ended, next), (vec![idle], Some(Instant::now() + IDLE_MAX)));
        drop(stream);
        assert!(seats.free_idle(Instant::now()).0.is_empty(), "it was in use until now");
        tokio::time::advance(IDLE_MAX).await;
        assert_eq!(seats.free_idle(Instant::now()), (vec![used], None));
        assert!(seats.is_to_be_watched());
    }
}
