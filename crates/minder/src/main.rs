//! One file that is supervisord, supervisorctl and their companions, by the name it is called by.

#![forbid(unsafe_code)]

fn main() {}
