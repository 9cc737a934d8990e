//! The canonical traces by name: each is a test, and a conformance vector.

/// Gives the list to a macro.
macro_rules! every_trace {
    ($then:ident) => {
        $then! {
            rules:
                c01_last_byte_first
                c02_one_terminal
                c03_faithful_bytes
                c04_wait_follows
                c04_cancelled_wait
                c05_no_spurious_wait
                c06_never_hangs
                c06_readability_wins
                c06_clock_stands_still
                c07_root_completeness
                c08_no_silent_loss
                c09_read_error_is_no_eof
                c09_stolen_status
                c09_lost_runner
                c10_cause_beside_status
                c10_clean_exit
                c11_quiet_teardown
                c12_bounded_and_isolated
                c13_shutdown_delivers
                c14_typed_refusal
                c15_no_orphan_stream
                c16_safe_kill
                c16_latched_before_the_pid;
            policies:
                drain_until_eof
                drain_after
                drain_after_zero
                drain_idle
                drain_idle_max
                drain_idle_gap_zero
                drain_idle_max_zero
                descendants_leave
                descendants_kill
                descendants_kill_with_target_leader
                kill_term_grace_kill
                kill_answered_in_time
                kill_first_signal_int
                kill_grace_zero
                kill_target_group
                kill_target_leader
                buffer_full_pause
                buffer_full_pause_by_chunks
                buffer_full_gap
                buffer_full_kill_after
                limit_truncate
                limit_keep_tail
                limit_kill
                timeout
                teardown_close_max
                teardown_shutdown_max
                teardown_shutdown_after_the_reap
                teardown_drop
                teardown_detach
                streams_none
                streams_stderr
                streams_separate
                streams_combined
                streams_pty;
        }
    };
}
