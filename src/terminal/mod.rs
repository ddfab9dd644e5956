//! Every word said, every question asked, every bar drawn.
