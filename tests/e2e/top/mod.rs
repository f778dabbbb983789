//! `provost top` in a real terminal (tmux): keys are sent, and screens are compared without their times and process ids.

mod lasting;
mod remote;
mod screens;
