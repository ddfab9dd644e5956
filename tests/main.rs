//! The one integration-test binary: the real program in a closed world.
