//! Answers: what was asked, from which layer each answer comes, and everything that is missing or wrong.
