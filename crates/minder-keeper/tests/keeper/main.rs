//! The keeper as a process, with a test in the place of the daemon.
//!
//! The keeper starts its daemon from its own file, so this one file plays all parts, which is why
//! it has its own `main`. See [`stage`] for how a test comes to hold the daemon's socket.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "without the usual harness none of this counts as a test"
)]

mod adoption;
mod children;
mod faults;
mod life;
mod stage;
mod upgrade;

use std::panic::catch_unwind;
use std::process::ExitCode;

/// A test and its name.
type Test = (&'static str, fn());

/// Names the tests of a module after their functions.
macro_rules! tests {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($((concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+),+]
    };
}

const TESTS: &[Test] = tests! {
    life:
        the_start_is_reported_once_the_daemon_is_ready,
        a_failed_start_reports_its_code_and_text,
        a_first_daemon_that_dies_at_once_ends_the_start,
        keeper_and_daemon_are_seen_under_their_names,
        the_keepers_exit_code_is_the_daemons_wish,
        a_daemon_may_leave_without_having_read_its_answers,
        a_daemon_that_dies_is_followed_by_another,
        a_restart_forgets_everything_but_the_heirloom,
        what_the_launcher_gives_is_there_until_a_restart,
        a_failed_restart_is_told_on_standard_error,
        a_daemon_that_hangs_up_is_replaced,
        signals_are_forwarded_and_the_rest_is_dropped,
        signals_are_remembered_until_a_daemon_is_there,
        a_signal_that_was_not_acted_upon_is_told_to_the_next_daemon;
    children:
        a_child_is_spawned_reaped_and_forgotten,
        its_environment_arguments_and_pipes_work,
        standard_error_may_be_standard_output,
        a_held_descriptor_can_be_standard_input,
        a_large_plan_travels_in_a_file,
        a_child_may_open_as_much_as_the_keeper_could_when_it_was_started,
        only_the_asked_for_signals_are_ignored,
        what_fails_before_exec_is_told_on_standard_error,
        a_signal_reaches_the_child_or_its_group,
        two_hundred_ends_at_once_are_all_reported;
    adoption:
        an_end_is_repeated_until_it_is_forgotten,
        an_end_without_a_daemon_is_in_the_inventory,
        output_waits_while_there_is_no_daemon,
        a_hundred_children_are_handed_over_with_their_pipes,
        output_of_a_descendant_outlives_the_child,
        held_descriptors_are_replaced_released_and_handed_over,
        what_a_daemon_asked_for_before_it_died_is_done,
        every_end_is_told_whenever_daemons_die;
    faults:
        without_descriptors_a_spawn_fails_and_nothing_leaks,
        a_descriptor_that_cannot_be_received_is_not_held,
        a_daemon_is_started_as_soon_as_it_can_be,
        two_hundred_children_leave_nothing_open,
        bad_plans_are_refused,
        an_id_is_used_once,
        a_frame_that_is_not_understood_is_skipped,
        complaints_that_nobody_reads_hold_nothing_up,
        a_daemon_that_does_not_read_loses_nothing;
    upgrade:
        everything_is_handed_over_to_the_next_program,
        ends_during_an_upgrade_are_told_once_and_exactly,
        signals_during_an_upgrade_are_not_lost,
        what_cannot_go_on_is_refused_and_nothing_given_up,
        a_daemon_that_dies_instead_of_leaving_is_replaced_by_one_of_the_same_program,
        a_program_whose_daemons_do_not_get_ready_is_left_again,
        a_program_is_left_again_whose_daemon_gives_up,
        daemons_that_do_not_stay_up_are_replaced_by_those_of_another_program,
        a_file_that_is_tried_in_vain_is_told_of_in_the_log,
        a_program_that_was_left_is_not_tried_again_unasked,
        state_that_cannot_be_read_is_refused;
};

fn main() -> ExitCode {
    if let Some(code) = stage::play_a_part() {
        return code;
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    let mut failed = 0;
    for (name, test) in TESTS.iter().filter(|(name, _)| is_wanted(name)) {
        let passed = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += u32::from(!passed);
    }
    ExitCode::from(u8::from(failed > 0))
}
