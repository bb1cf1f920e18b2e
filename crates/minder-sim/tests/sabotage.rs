//! The rules notice what they are there for: each is shown a core with a mistake that it has to
//! find alone.

use std::collections::BTreeSet;

use minder_sim::sabotage::Sabotage;
use minder_sim::{history, rules};

/// So many histories are enough to notice any of these mistakes.
const PATIENCE: u64 = 300;

fn is_noticed(sabotage: Sabotage, rule: &'static str) -> bool {
    (1..=PATIENCE).any(|seed| {
        let report = history::run_sabotaged(seed, sabotage, rule);
        report.violation.is_some()
    })
}

/// A test of each line, and a list of all the rules that are tested.
macro_rules! noticed {
    ($($name:ident: $sabotage:ident breaks $rule:literal;)*) => {
        $(
            #[test]
            fn $name() {
                assert!(is_noticed(Sabotage::$sabotage, $rule));
            }
        )*

        const TESTED: &[&str] = &[$($rule),*];
    };
}

noticed! {
    a_group_is_added_as_it_is_configured_under_new_identities:
        MisreadConfiguration breaks "a group is added as it is configured, under new identities";
    a_group_or_a_process_is_removed_only_when_all_of_it_is_stopped:
        RemoveRunning breaks "a group or a process is removed only when all of it is stopped";
    the_daemon_says_once_that_it_runs:
        AnnounceTwice breaks "the daemon says once that it runs";
    a_process_moves_on_from_the_state_that_it_is_in:
        HideEvents breaks "a process moves on from the state that it is in";
    a_process_moves_only_as_supervisors_do:
        CallFatalExited breaks "a process moves only as Supervisor's do";
    a_process_is_running_once_its_child_has_been_up_for_startsecs:
        ShortenStart breaks "a process is RUNNING once its child has been up for startsecs";
    an_end_within_startsecs_is_a_failed_start_and_so_is_a_child_that_cannot_be_made:
        FastClock breaks "an end within startsecs is a failed start, and so is a child that cannot be made";
    a_process_is_stopped_or_exited_when_its_child_has_ended:
        AdoptBlindly breaks "a process is STOPPED or EXITED when its child has ended";
    a_process_is_unknown_when_a_signal_to_it_has_failed:
        CallStoppedUnknown breaks "a process is UNKNOWN when a signal to it has failed";
    tries_are_counted_from_when_the_process_was_last_up_or_down_for_good:
        Miscount breaks "tries are counted from when the process was last up or down for good";
    an_end_is_told_as_it_was_of_which_child_and_whether_it_was_expected:
        ConfuseExpected breaks "an end is told as it was: of which child, and whether it was expected";
    nothing_is_started_once_the_end_has_begun:
        IgnoreEnding breaks "nothing is started once the end has begun";
    nothing_is_started_without_a_reason:
        AlwaysRestart breaks "nothing is started without a reason";
    each_failed_start_is_followed_by_a_wait_that_is_a_second_longer:
        AdoptImpatiently breaks "each failed start is followed by a wait that is a second longer";
    a_process_is_given_up_after_startretries_and_not_before:
        GiveUpEarly breaks "a process is given up after startretries, and not before";
    what_is_due_is_tried_again:
        IgnoreDeadlines breaks "what is due is tried again";
    what_autorestart_asks_for_is_started_again_at_once:
        NeverRestart breaks "what autorestart asks for is started again at once";
    what_autostart_asks_for_is_started_with_its_group:
        NeverAutostart breaks "what autostart asks for is started with its group";
    of_what_is_started_together_none_is_running_before_the_others_were_started:
        RunAtOnce breaks "of what is started together none is RUNNING before the others were started";
    a_request_starts_all_that_it_means:
        MisunderstandTargets breaks "a request starts all that it means";
    what_is_started_together_is_started_in_order:
        StartBackwards breaks "what is started together is started in order";
    no_process_has_two_children:
        AdoptBlindly breaks "no process has two children";
    no_identity_of_a_child_is_used_twice:
        ReuseIdentities breaks "no identity of a child is used twice";
    a_child_is_asked_for_when_a_start_is_announced_and_only_then:
        SecondChild breaks "a child is asked for when a start is announced, and only then";
    the_end_of_a_child_is_taken_note_of_at_once:
        ForgetExits breaks "the end of a child is taken note of at once";
    every_child_that_lives_is_some_processs:
        AdoptBlindly breaks "every child that lives is some process's";
    a_child_is_called_a_stray_only_if_its_process_is_gone:
        AdoptAsStopped breaks "a child is called a stray only if its process is gone";
    nothing_is_stopped_without_a_reason:
        MisunderstandTargets breaks "nothing is stopped without a reason";
    what_a_user_wants_stopped_begins_to_stop_as_soon_as_it_can:
        IgnoreRequests breaks "what a user wants stopped begins to stop as soon as it can";
    at_the_end_a_group_is_stopped_only_after_the_groups_that_come_after_it:
        EndAtOnce breaks "at the end a group is stopped only after the groups that come after it";
    at_the_end_the_group_whose_turn_it_is_begins_to_stop:
        IgnoreEnding breaks "at the end the group whose turn it is begins to stop";
    what_is_stopped_together_is_stopped_in_order:
        StopBackwards breaks "what is stopped together is stopped in order";
    a_child_is_sent_its_stop_signal_what_a_user_sends_or_sigkill:
        ConfuseGroups breaks "a child is sent its stop signal, what a user sends, or SIGKILL";
    no_sigkill_comes_before_stopwaitsecs_are_over:
        KillEarly breaks "no SIGKILL comes before stopwaitsecs are over";
    a_process_that_is_stopping_is_sent_its_stop_signal_at_once:
        DropStop breaks "a process that is STOPPING is sent its stop signal at once";
    sigkill_comes_when_stopwaitsecs_are_over:
        IgnoreDeadlines breaks "SIGKILL comes when stopwaitsecs are over";
    a_stray_is_told_to_end_once_and_is_not_killed_before_its_time_is_over:
        KillAtOnce breaks "a stray is told to end once, and is not killed before its time is over";
    a_stray_that_has_not_ended_when_its_time_is_over_is_killed:
        SpareAll breaks "a stray that has not ended when its time is over is killed";
    the_daemon_halts_once_when_everything_is_stopped:
        HaltEarly breaks "the daemon halts once, when everything is stopped";
    the_daemon_halts_as_soon_as_everything_is_stopped:
        NeverHalt breaks "the daemon halts as soon as everything is stopped";
    listeners_are_told_once_that_the_daemon_stops:
        AnnounceTwice breaks "listeners are told once that the daemon stops";
    when_everything_has_come_to_rest_nobody_waits_for_anything:
        SwallowReplies breaks "when everything has come to rest nobody waits for anything";
    no_child_is_left_when_the_daemon_leaves_and_nobody_waits:
        HaltEarly breaks "no child is left when the daemon leaves, and nobody waits";
    a_request_is_answered_once:
        ReplyTwice breaks "a request is answered once";
    a_request_that_need_not_wait_is_answered_at_once:
        IgnoreRequests breaks "a request that need not wait is answered at once";
    a_request_that_waits_is_answered_as_soon_as_its_outcome_is_known:
        SwallowReplies breaks "a request that waits is answered as soon as its outcome is known";
    during_the_end_everything_is_refused_and_nothing_before:
        IgnoreEnding breaks "during the end everything is refused, and nothing before";
    a_refusal_is_true:
        RefuseWrongly breaks "a refusal is true";
    what_is_said_to_be_done_is_done:
        SayDone breaks "what is said to be done is done";
    reread_tells_the_differences:
        RereadNothing breaks "reread tells the differences";
    readers_see_what_the_daemon_is_up_to_and_every_group_in_order:
        SkipSnapshots breaks "readers see what the daemon is up to and every group in order";
    readers_see_when_a_process_was_last_started_and_when_and_how_it_ended:
        FastClock breaks "readers see when a process was last started, and when and how it ended";
    readers_see_the_state_that_was_announced_last_and_the_pid_of_the_child:
        SkipSnapshots breaks "readers see the state that was announced last, and the pid of the child";
    after_a_deadline_the_next_one_lies_ahead:
        IgnoreDeadlines breaks "after a deadline the next one lies ahead";
    the_core_wants_to_be_woken_before_anything_is_overdue:
        Oversleep breaks "the core wants to be woken before anything is overdue";
    one_call_of_the_core_asks_for_so_much_and_no_more:
        Babble breaks "one call of the core asks for so much and no more";
    a_listener_that_is_ready_is_sent_the_event_that_waits_longest_as_it_was:
        MixUpEvents breaks "a listener that is ready is sent the event that waits longest, as it was";
    no_event_waits_while_a_listener_is_ready:
        LoseEvents breaks "no event waits while a listener is ready";
    an_event_makes_room_only_in_a_full_buffer_the_oldest_first_and_that_is_said:
        HideOverflow breaks "an event makes room only in a full buffer, the oldest first, and that is said";
    an_event_that_a_listener_has_not_taken_goes_back_into_its_pool_and_no_other_does:
        KeepReturned breaks "an event that a listener has not taken goes back into its pool, and no other does";
    what_a_listener_answers_is_understood:
        ConfuseAnswers breaks "what a listener answers is understood";
    what_an_adopted_listener_works_on_is_sent_again_under_its_number:
        AdoptIdle breaks "what an adopted listener works on is sent again under its number";
    each_delivery_is_written_to_its_listener_once_in_order:
        SkipDeliveries breaks "each delivery is written to its listener once, in order";
    no_event_is_told_again_that_a_listener_has_taken_or_works_on:
        SendAgain breaks "no event is told again that a listener has taken or works on";
    no_two_events_have_one_number_whatever_daemons_die:
        AdoptUncounted breaks "no two events have one number, whatever daemons die";
    what_has_changed_in_each_step_adds_up_to_what_there_is:
        SkipChanges breaks "what has changed in each step adds up to what there is";
    without_a_snapshot_what_runs_keeps_its_name_and_everything_else_is_stopped:
        AdoptAsStopped breaks "without a snapshot what runs keeps its name, and everything else is stopped";
    a_child_that_is_no_processs_is_called_a_stray:
        AdoptBlindly breaks "a child that is no process's is called a stray";
    a_listener_is_started_anew_of_which_nobody_knows_what_it_was_told:
        AdoptAsNew breaks "a listener is started anew of which nobody knows what it was told";
    once_nothing_goes_wrong_any_more_everything_comes_to_rest_in_time:
        IgnoreDeadlines breaks "once nothing goes wrong any more everything comes to rest in time";
    who_asks_for_the_end_gets_it_in_time:
        NeverHalt breaks "who asks for the end gets it in time";
}

#[test]
fn every_rule_is_tested() {
    let rules = rules::all().map(|rule| rule.says);
    let rules: BTreeSet<_> = rules
        .chain([history::COMES_TO_REST, history::ENDS])
        .collect();
    assert_eq!(rules, TESTED.iter().copied().collect());
}
