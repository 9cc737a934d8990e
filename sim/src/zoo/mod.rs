//! The designs that have shipped and were wrong, each as the real thing was, one file each; and a
//! correct one.

pub mod abort_on_free;
pub mod classes;
pub mod delete_before_copy;
pub mod drop_on_overflow;
pub mod exec_after_box;
pub mod exit_event;
pub mod exit_polled;
pub mod free_races_exit;
pub mod idle_cut;
pub mod naive;
pub mod one_drain_loop;
pub mod os_exec;
pub mod parts;
pub mod pause_blocks_kill;
pub mod read_error_is_eof;
pub mod receiver_list;
pub mod single_owner;
pub mod stock;
pub mod stock_steps;
pub mod streams_pending;
pub mod text_per_chunk;
pub mod wait_drains;
pub mod wait_error_is_exit;
