//! The promises of the traits, as functions that every implementation's test file calls. Each takes
//! an empty store and panics when a promise is broken.
//!
//! [`contract_tests`](crate::contract_tests) makes a test of each.

pub mod application;
pub mod audit;
pub mod bundle;
pub mod contact;
pub mod delivery;
pub mod deployment;
pub mod deployment_config;
pub mod deployment_group;
pub mod ec2;
pub mod enrollment;
pub mod fixture;
pub mod git_hub;
pub mod history;
pub mod host;
pub mod identity;
pub mod queue;
pub mod revision;
pub mod round;
pub mod server_record;
pub mod tag;
pub mod target;
pub mod timeline;

/// Makes a `#[tokio::test]` of every promise, in a module called as the function `$open` beside it,
/// an async function without arguments that answers what must live as long as the store, and the
/// empty store. `$open as several servers` leaves out what one server promises itself alone.
#[macro_export]
macro_rules! contract_tests {
    ($open:ident) => {
        $crate::contract_tests! { @all $open;
            contact {
                a_contact_is_seen_at_once a_deregistered_host_has_no_contact a_deleted_instance_has_no_contact
            }
            queue { events_take_effect_in_order }
        }
    };
    ($open:ident as several servers) => {
        $crate::contract_tests! { @all $open; }
    };
    (@all $open:ident; $($own:tt)*) => {
        $crate::contract_tests! { @modules $open;
            application {
                names_are_unique names_are_listed_in_order_by_keyset the_quota_is_kept
                a_rename_takes_groups_and_revisions_along a_rename_respects_other_names
                deleted_things_stay_deleted deployments_outlive_their_application
                a_refused_write_fails_alone
            }
            tag {
                tags_of_both_kinds_are_changed changes_at_the_same_time_follow_each_other
                the_quota_of_tags_is_kept
            }
            git_hub {
                tokens_come_and_go the_quota_is_kept a_link_lives_as_long_as_its_token
                the_secret_is_found_by_group
            }
            deployment_group {
                names_are_unique_in_the_application names_are_listed_in_order_by_keyset the_quota_is_kept
                an_update_keeps_the_history an_update_of_an_older_state_is_refused
                a_name_can_be_changed_but_not_to_a_taken_one
                deletion_answers_what_is_unfinished groups_are_found_by_tag
            }
            deployment_config { configs_come_and_go a_config_in_use_stays }
            revision {
                a_revision_is_registered_once lists_are_in_order_of_registration
                identity_ignores_quotes_of_the_etag groups_are_found_by_their_target_revision
            }
            host {
                names_and_arns_are_unique_among_registered_hosts a_tombstone_is_kept_until_it_is_old
                lists_tell_hosts_from_tombstones lists_go_on_after_the_last_name_seen tags_select_hosts
                tags_are_changed_on_all_hosts_or_none old_tombstones_are_forgotten_bit_by_bit
                arrivals_are_kept_until_they_are_looked_after
            }
            ec2 {
                instances_come_and_go instances_are_listed_in_order_by_keyset tags_select_instances
            }
            deployment {
                an_id_is_used_once a_group_has_one_active_deployment a_group_must_exist
                creation_notes_the_use_of_the_revision lists_are_newest_first lists_are_filtered
                lists_are_stable_while_deployments_are_made unfinished_ones_are_listed_oldest_first
                a_rename_leaves_the_names_of_deployments
            }
            history {
                old_deployments_are_forgotten_and_new_ones_kept what_a_group_remembers_is_kept
                a_forgotten_id_is_never_taken_again deployments_without_a_group_are_found
                the_load_counts_what_is_in_progress
            }
            round {
                a_snapshot_shows_deployment_and_targets a_round_is_written_whole
                a_writer_who_saw_an_older_generation_is_refused
                an_event_that_does_not_apply_makes_the_round_stale
                several_events_of_one_target_follow_each_other
                the_rules_are_those_after_the_round a_missing_group_is_no_error
                applying_an_event_keeps_the_generation a_follow_up_is_made_with_the_end
                a_beginning_without_room_is_not_written
            }
            target {
                an_event_is_applied_and_seen what_does_not_apply_changes_nothing
                another_principal_finds_no_target
                a_thousand_events_at_once_are_all_applied one_event_a_thousand_times_happens_once
                a_stopping_deployment_hands_out_nothing a_forgiven_stop_failure_goes_on
                documents_come_back_as_they_were waiting_commands_are_found_by_principal
                an_instance_and_its_commands_are_read_together
                lists_and_counts_tell_the_states a_dropped_caller_loses_nothing
            }
            identity {
                users_come_and_go users_are_listed_by_path keys_belong_to_users
                policies_belong_to_their_holders groups_have_members roles_have_sessions
                a_key_can_be_switched_off
            }
            timeline {
                every_change_is_on_the_timeline who_waits_is_named timelines_are_read_from_any_place
            }
            delivery {
                a_part_of_the_timeline_is_told_once a_delivery_is_taken_by_one_at_a_time
                dead_deliveries_are_kept_and_revived
            }
            audit { events_are_listed_in_order old_events_are_forgotten every_event_moves_the_end }
            enrollment {
                tokens_come_and_go a_host_is_made_whole a_lost_answer_is_given_again
                a_spent_token_makes_nothing a_taken_name_counts_no_use
                a_token_is_never_used_more_often_than_it_may
            }
            bundle {
                buckets_come_and_go the_newest_row_is_the_current_one objects_are_listed_by_prefix
                versions_are_listed_newest_first a_replaced_row_gives_its_files_free
                a_shared_file_is_free_when_nobody_names_it an_upload_becomes_an_object
                an_aborted_upload_gives_its_parts_free open_uploads_are_listed
            }
            server_record { the_first_value_stays }
            $($own)*
        }
    };
    (@modules $open:ident; $($module:ident { $($promise:ident)* })*) => {
        mod $open {
            $(mod $module {
                $(#[tokio::test]
                async fn $promise() {
                    let (_alive, store) = super::super::$open().await;
                    $crate::contract::$module::$promise(&store).await;
                })*
            })*
        }
    };
}
