# Sourced by tools/run_tests and .ci/run: named, timed steps that all run, and one line of totals at the end.
#
#   step <name> <command...>     runs it, prints `== name` before and `-- name: ok|FAILED, 12 s` after
#   count_results <xml...>       adds the tests of JUnit files to the totals
#   finish                       prints `N passed, N failed` and ends with 1 if anything failed

steps_passed=0    # tests, from JUnit files
steps_failed=0    # tests that failed, and steps that failed without naming a test
steps_log=()

step() {
  local name=$1 begin=$SECONDS result=0
  shift
  printf '\n== %s\n' "$name"
  "$@" </dev/null || result=$?
  local text=ok
  [ $result -eq 0 ] || text=FAILED
  printf -- '-- %s: %s, %d s\n' "$name" "$text" $((SECONDS - begin))
  steps_log+=("$(printf '%-28s %-7s %4d s' "$name" "$text" $((SECONDS - begin)))")
  return $result
}

# A step without tests of its own: its failure counts as one.
plain_step() {
  step "$@" || steps_failed=$((steps_failed + 1))
}

count_results() {
  local passed failed
  read -r passed failed < <(python3 tools/totals.py "$@")
  steps_passed=$((steps_passed + passed))
  steps_failed=$((steps_failed + failed))
  [ "$failed" -eq 0 ]
}

finish() {
  printf '\n'
  printf '%s\n' "${steps_log[@]}"
  printf '%d passed, %d failed\n' "$steps_passed" "$steps_failed"
  [ "$steps_failed" -eq 0 ]
}
