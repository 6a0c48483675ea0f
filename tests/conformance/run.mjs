// Runs the public tests for HTTP caches against a URL: node run.mjs http://127.0.0.1:7003 [ID ...]
// One line of JSON for each test that counts: id, kind, name, whether it passed, and why not.
import fetch from 'node-fetch'
import { getResults, runTests } from 'http-cache-tests/client/runner.mjs'
import suites from 'http-cache-tests/tests/index.mjs'

const [base, ...ids] = process.argv.slice(2)
const chosen = suites.map(suite => ({
  ...suite, tests: suite.tests.filter(test => ids.length === 0 || ids.includes(test.id))
}))
if (ids.length > 0) chosen.forEach(suite => suite.tests.forEach(test => { test.dump = true }))
await runTests(chosen, fetch, false, base)
const results = getResults()
for (const suite of chosen) {
  for (const test of suite.tests) {
    if (!(test.id in results)) continue
    const result = results[test.id]
    // What a test only prepares is not what it asks: that is said apart, as the suite itself does.
    const setup = Array.isArray(result) && result[0] === 'Setup'
    console.log(JSON.stringify({
      id: test.id, suite: suite.id, kind: test.kind ?? 'required', name: test.name,
      passed: result === true, setup, why: result === true ? '' : result.join(': '), needs: test.depends_on ?? []
    }))
  }
}
