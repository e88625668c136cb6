/** vitest's JSON report, counted. */

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: ReadonlyArray<{
    readonly status: string
    readonly assertionResults: ReadonlyArray<{ readonly status: string }>
  }>
}

/** Tests that passed, and tests that failed; a failed file without a failed test (it could not be loaded) counts as one. */
export const count = (reportText: string): { readonly passed: number; readonly failed: number } => {
  const report: Report = JSON.parse(reportText)
  const broken = report.testResults.filter((file) =>
    file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed")
  )
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length }
}
