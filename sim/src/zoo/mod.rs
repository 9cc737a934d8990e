//! Designs that shipped, or could have: each must be caught at the rules it breaks, and only there.

pub mod stock;
