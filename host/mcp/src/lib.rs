//! Serves the API to clients of the Model Context Protocol. Floor 2 of the house: a client of the API, which knows nothing of the
//! host but its wire types.

#![forbid(unsafe_code)]
