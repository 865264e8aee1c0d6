/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/functions.h"

#include <ctype.h>

/* PostgreSQL's, BigQuery's, and what DuckDB's parser makes of the grammar's own forms (INTERVAL, LIKE,
 * AT TIME ZONE, EXTRACT, ARRAY[]). One line a kind, a blank between names. */
static const char *const kinds[] = {
	" count count_star countif count_if sum avg mean min max stddev stddev_pop stddev_samp variance"
	" var_pop var_samp corr covar_pop covar_samp regr_slope regr_intercept regr_r2 regr_count"
	" regr_avgx regr_avgy regr_sxx regr_syy regr_sxy bool_and bool_or every logical_and logical_or"
	" bit_and bit_or bit_xor any_value string_agg array_agg mode median percentile_cont"
	" percentile_disc quantile quantile_cont quantile_disc approx_count_distinct approx_quantiles"
	" approx_top_count hll_count grouping ",
	" row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value"
	" nth_value first last ",
	" abs ceil ceiling floor round trunc truncate mod div power pow sqrt cbrt exp ln log log10 log2"
	" sign greatest least pi degrees radians sin cos tan cot asin acos atan atan2 sinh cosh tanh"
	" safe_divide safe_add safe_subtract safe_multiply safe_negate ieee_divide is_nan is_inf"
	" width_bucket gcd lcm factorial random rand ",
	" lower upper initcap length len char_length character_length octet_length byte_length bit_length"
	" substring substr left right trim ltrim rtrim btrim lpad rpad replace translate reverse"
	" concat concat_ws split split_part position strpos instr starts_with ends_with contains"
	" contains_substr ascii chr md5 sha1 sha256 sha512 to_hex from_hex hex unhex to_base64"
	" from_base64 encode decode normalize quote_literal quote_ident overlay format to_char"
	" regexp_replace regexp_extract regexp_extract_all regexp_contains regexp_matches regexp_match"
	" regexp_full_match regexp_substr regexp_instr regexp_count regexp_like regexp_split_to_array"
	" soundex unicode ",
	" like_escape not_like_escape ilike_escape not_ilike_escape similar_to_escape collate ",
	" now today current_date current_time current_timestamp current_datetime localtime"
	" localtimestamp get_current_timestamp get_current_time transaction_timestamp"
	" statement_timestamp clock_timestamp date time timestamp datetime interval date_trunc"
	" datetime_trunc timestamp_trunc time_trunc date_part datepart extract date_add date_sub"
	" date_diff datediff datetime_add datetime_sub datetime_diff timestamp_add timestamp_sub"
	" timestamp_diff time_add time_sub time_diff age year quarter month week day dayofweek dayofyear"
	" isodow isoyear hour minute second epoch last_day make_date make_time make_timestamp"
	" make_timestamptz make_interval to_date to_timestamp date_from_unix_date unix_date"
	" unix_seconds unix_millis unix_micros timestamp_seconds timestamp_millis timestamp_micros"
	" parse_date parse_datetime parse_time parse_timestamp format_date format_datetime format_time"
	" format_timestamp strftime strptime timezone isfinite justify_days justify_hours"
	" justify_interval date_bin to_years to_months to_weeks to_days to_hours to_minutes to_seconds"
	" to_milliseconds to_microseconds to_quarters to_decades to_centuries to_millennia ",
	" coalesce nullif ifnull nvl if iff case error_free safe_cast cast row struct_pack"
	" struct_extract array_extract ",
	" json_extract json_extract_scalar json_extract_path json_extract_path_text json_value json_query"
	" json_query_array json_value_array json_extract_array json_extract_string_array json_type"
	" json_typeof json_array_length json_extract_string json_build_object json_build_array"
	" json_agg json_object_agg jsonb_extract_path jsonb_extract_path_text jsonb_typeof"
	" jsonb_array_length jsonb_build_object jsonb_build_array jsonb_agg jsonb_object_agg to_json"
	" to_jsonb row_to_json to_json_string parse_json ",
	" list_value list_slice array_slice array_length cardinality array_position array_positions"
	" array_to_string string_to_array array_append array_prepend array_cat array_concat array_reverse"
	" array_remove unnest generate_series generate_array generate_date_array range contains_any"
	" list_contains array_contains ",
	" uuid gen_random_uuid generate_uuid farm_fingerprint hashtext st_geogpoint st_distance ",
};

static bool is_known(const char *name)
{
	AUTO_FREE char *word = xasprintf(" %s ", name);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strstr(kinds[i], word))
			return true;
	}
	return false;
}

static bool is_operator(const char *name)
{
	for (const char *p = name; *p; p++) {
		if (!ispunct((unsigned char)*p) || *p == '_')
			return false;
	}
	return *name != '\0';
}

int far_check_functions(const struct strv *functions, struct err *e)
{
	for (size_t i = 0; i < functions->n; i++) {
		const char *name = functions->v[i];

		if (is_operator(name) || (!strchr(name, ' ') && is_known(name)))
			continue;
		(void)err_set(e, ERR_USAGE,
			      "the function %.100s() may not be used over remote tables", name);
		return err_hint(e, "take an extract with larder snapshot create and ask that");
	}
	return 0;
}
