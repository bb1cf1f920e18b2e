//! System calls that Minder needs, and its only unsafe code.
