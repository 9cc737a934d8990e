//! The designs that have shipped and were wrong, each as the real thing was, one file each.

pub mod parts;
pub mod single_owner;
pub mod stock;
