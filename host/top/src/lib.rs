//! The live view in a terminal. Floor 2 of the house: a client of the API, which knows nothing of the host but its wire types.

#![forbid(unsafe_code)]
