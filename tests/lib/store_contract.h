/* What every back end of daemon/store/store.h must hold, one clause a function, for cmocka. Each clause wants a store
 * of its own that was just opened and never written to. */
#ifndef STORE_CONTRACT_H
#define STORE_CONTRACT_H

#include "../../daemon/store/store.h"

/* clang-format off */
#define STORE_CLAUSES(X)                                            \
    X(a_new_store_holds_nothing)                                    \
    X(there_is_room_in_a_new_store)                                 \
    X(a_new_store_has_an_epoch_that_stays)                          \
    X(the_epoch_is_what_was_set_last)                               \
    X(the_boot_is_what_was_set_last)                                \
    X(a_transaction_sees_its_own_writes)                            \
    X(rollback_undoes_every_kind_of_change)                         \
    X(rollback_outside_a_transaction_is_harmless)                   \
    X(a_transaction_that_wrote_nothing_changes_nothing)             \
    X(numbers_rolled_back_are_used_again)                           \
    X(a_site_is_found_by_its_exact_name)                            \
    X(counters_of_a_site_round_trip_for_every_kind)                 \
    X(putting_a_site_again_updates_that_site_alone)                 \
    X(sites_are_scanned_by_number)                                  \
    X(every_field_of_a_comment_round_trips)                         \
    X(every_state_and_lane_round_trips)                             \
    X(a_comment_belongs_to_its_site)                                \
    X(comment_ids_differ_by_any_byte)                               \
    X(a_stored_comment_is_updated_alone)                            \
    X(every_field_of_a_text_round_trips)                            \
    X(a_body_may_be_long_and_hold_any_bytes)                        \
    X(empty_and_absent_fields_of_a_text_stay_apart)                 \
    X(a_text_is_never_replaced)                                     \
    X(an_erased_text_keeps_its_numbers_only)                        \
    X(an_erased_text_is_never_filled_again)                         \
    X(every_field_of_an_event_round_trips)                          \
    X(every_kind_of_event_round_trips)                              \
    X(empty_data_of_an_event_is_not_absent)                         \
    X(an_event_is_never_replaced)                                   \
    X(an_event_cannot_skip_a_number)                                \
    X(the_last_event_is_the_newest)                                 \
    X(an_event_is_read_with_the_hash_of_its_own_text)               \
    X(an_event_loses_the_hash_when_its_text_is_erased)              \
    X(a_record_is_found_by_site_and_number)                         \
    X(a_number_of_the_log_is_taken_once_per_site)                   \
    X(an_event_that_is_no_record_is_not_in_the_log)                 \
    X(the_log_is_scanned_after_a_number_up_to_a_limit)              \
    X(a_note_round_trips_with_any_bytes)                            \
    X(an_erased_note_is_gone_and_its_event_stays)                   \
    X(every_field_of_a_report_round_trips)                          \
    X(a_reader_has_one_report_per_comment)                          \
    X(reports_are_scanned_newest_first)                             \
    X(erasing_reports_takes_those_of_one_comment)                   \
    X(an_article_round_trips_and_is_replaced)                       \
    X(an_article_belongs_to_its_site)                               \
    X(a_listener_is_replaced_by_site_and_name)                      \
    X(a_site_has_as_many_listeners_as_it_may_and_the_silent_give_way) \
    X(the_head_of_a_text_is_all_but_body_and_meta)                  \
    X(every_field_of_an_operation_round_trips)                      \
    X(operation_ids_are_compared_as_bytes)                          \
    X(pruning_forgets_older_operations_up_to_a_limit)               \
    X(the_queue_is_ordered_by_due_time_then_text)                   \
    X(the_queue_goes_on_strictly_after_the_cursor)                  \
    X(a_queue_walked_one_by_one_gives_each_comment_once)            \
    X(the_queue_holds_one_site_one_lane_and_held_or_free)           \
    X(the_queue_holds_pending_comments_only)                        \
    X(a_comment_moves_between_free_and_held)                        \
    X(a_comment_moves_with_its_due_time_text_lane_and_state)        \
    X(the_queue_gives_whole_comments)                               \
    X(figures_count_one_sites_pending_comments)                     \
    X(the_oldest_is_told_of_any_lane_claimed_or_not)                \
    X(an_authors_comments_are_found_newest_first_in_any_state) \
    X(an_articles_pending_comments_are_found_in_the_order_of_the_queue) \
    X(a_sites_comments_are_scanned_by_id) \
    X(what_waits_for_a_second_look_is_a_queue_of_decided_comments) \
    X(what_is_thought_of_an_author_round_trips_and_is_replaced) \
    X(events_of_a_batch_are_found_by_number_once) \
    X(comments_of_all_sites_are_scanned_by_site_and_id) \
    X(the_head_of_an_event_is_all_but_the_hash_of_its_text) \
    X(reports_of_a_round_are_counted) \
    X(reports_of_all_comments_are_scanned_by_their_key) \
    X(authors_skips_and_batches_of_all_are_scanned_by_their_key) \
    X(claims_ending_are_inclusive_and_in_order_of_their_end)        \
    X(a_claim_that_is_gone_never_ends)                              \
    X(claims_of_a_moderator_go_by_exact_name)                       \
    X(an_authors_comments_are_given_newest_first)                   \
    X(an_authors_comments_are_counted_by_state_among_the_newest)    \
    X(an_authors_comment_that_waits_for_a_second_look_counts_as_pending) \
    X(an_authors_comments_in_one_state_are_given_newest_first)      \
    X(what_is_thought_of_an_author_round_trips_and_is_erased)       \
    X(an_event_that_came_some_way_is_not_one_that_came_none)        \
    X(events_are_scanned_by_number_both_ways)                       \
    X(events_that_tell_of_keys_are_scanned_by_themselves)           \
    X(a_scan_of_events_gives_all_but_the_hash_of_the_text)          \
    X(texts_are_scanned_whole_within_their_bounds)                  \
    X(notes_are_scanned_whole_within_their_bounds)                  \
    X(every_field_of_a_key_round_trips)                             \
    X(keys_are_scanned_by_number)                                   \
    X(a_key_comes_to_its_end_and_is_revoked)                        \
    X(nothing_else_of_a_key_ever_changes)                           \
    X(the_end_of_a_key_only_comes_nearer)                           \
    X(a_key_cannot_skip_a_number)                                   \
    X(a_public_key_is_used_once)                                    \
    X(users_and_names_may_have_several_keys)                        \
    X(a_key_has_a_public_key_or_a_user)                             \
    X(skips_of_a_moderator_are_scanned_from_the_newest_text)        \
    X(skips_that_are_over_are_forgotten)                            \
    X(a_batch_holds_each_event_once_and_in_order)                   \
    X(what_waits_for_a_second_look_is_a_queue_of_its_own)           \
    X(a_callback_that_returns_false_ends_any_scan)                  \
    X(a_limit_of_zero_gives_nothing)                                \
    X(a_scan_that_ended_early_holds_nothing_up)
/* clang-format on */

#define DECLARE_CLAUSE(name) void name(struct store *store);
STORE_CLAUSES(DECLARE_CLAUSE)
#undef DECLARE_CLAUSE

/* A story of two comments in transactions, for tests of what is left when one of them fails: their texts, reports,
 * a claim, a decision with a note, two keys, an erasure. Part `part` is to be run between begin and commit and expects
 * the parts before it to be there. Stops at the first call that fails and returns its result, else STORE_OK. */
enum { STORE_STORY_PARTS = 6, STORE_STORY_ERASURE = STORE_STORY_PARTS - 1 };
enum store_result store_story(struct store *store, int part);

/* Everything that the story can have written, read through the table of functions, as text; the caller frees it.
 * Fails the test when the store cannot be read. */
char *store_dump(struct store *store);

#endif
