/**
 * Runs the interop scenarios: builds the Go peer, runs vitest, and tells what was asserted with which versions.
 *
 *   node interop/run.ts                  every scenario
 *   node interop/run.ts security         only the files whose name contains the word
 *   node interop/run.ts --write-docs     also writes docs/interop.md
 *   node interop/run.ts --subject=go     puts a Go node in our place: checks the scenarios, not us
 */
import * as Schema from "effect/Schema"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as GoPeer from "./GoPeer.ts"
import * as SerfAgent from "./SerfAgent.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const docs = join(root, "docs", "interop.md")

const Report = Schema.fromJsonString(Schema.Struct({
  success: Schema.Boolean,
  testResults: Schema.Array(Schema.Struct({
    name: Schema.String,
    assertionResults: Schema.Array(Schema.Struct({
      ancestorTitles: Schema.Array(Schema.String),
      title: Schema.String,
      status: Schema.String
    }))
  }))
}))
type Report = typeof Report.Type

interface Row {
  readonly group: string
  readonly asserted: string
  readonly passed: boolean
}

const rows = (report: Report): ReadonlyArray<Row> =>
  report.testResults
    .toSorted((a, b) => basename(a.name).localeCompare(basename(b.name)))
    .flatMap((file) => file.assertionResults)
    .filter(({ status }) => status === "passed" || status === "failed")
    .map(({ ancestorTitles, status, title }) => ({
      group: ancestorTitles.at(-1) ?? "",
      asserted: title,
      passed: status === "passed"
    }))

/** A Markdown table with columns as wide as the formatter makes them. */
const table = (header: ReadonlyArray<string>, body: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = header.map((title, i) =>
    Math.max(3, ...[title, ...body.map((row) => row[i] ?? "")].map((c) => c.length))
  )
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
}

const tables = (all: ReadonlyArray<Row>): string => {
  const groups = [...new Set(all.map((row) => row.group))]
  return groups.map((group) => {
    const body = all
      .filter((row) => row.group === group)
      .map((row) => [row.asserted.replaceAll("|", "\\|"), row.passed ? "passed" : "**failed**"])
    return `## ${group.slice(0, 1).toUpperCase()}${group.slice(1)}\n\n${table(["asserted", "result"], body)}`
  }).join("\n\n")
}

const versions = (toolchain: string): string =>
  table(["", "version"], [
    ["hashicorp/memberlist", GoPeer.memberlistVersion("current")],
    ["hashicorp/memberlist, older generation", GoPeer.memberlistVersion("old")],
    ["hashicorp/serf", SerfAgent.version()],
    ["Go", toolchain.replace(/^go/, "")],
    ["Node.js", process.versions.node]
  ])

const page = (toolchain: string, all: ReadonlyArray<Row>): string =>
  `# Interoperability with HashiCorp memberlist

\`npm run test:interop\` starts nodes of this library and nodes of the Go library, each in a process of its own on the
loopback interface, joins them, and asserts from both sides what each holds and tells. No scenario is retried, and
processes are killed with SIGKILL where a scenario is about death. It needs the Go toolchain; the Go side is a small
program in \`interop/go\` around memberlist's own network transport, which can be told to lose packets to an address. The
Serf agent is built from its release.

\`node interop/run.ts --subject=go\` puts a second Go node in our place. What two Go nodes do not pass would be a wrong
scenario, so this run checks that they ask for the reference's behaviour and nothing else.

Serf and Consul are made of memberlist and check one more version, the delegate's: to be let in, a node of this library has
\`delegateProtocolMin\` 2, \`delegateProtocolMax\` 5 and \`delegateProtocolVersion\` 4 or 5. A join without them fails with
\`VersionMismatch\`, which says so. (What they say to each other in user messages and user state is their own. A member of
ours that leaves is \`failed\` for Serf, which calls only those \`left\` who say so in a message of Serf's.)

This page is written by \`npm run test:interop -- --write-docs\`. Of ${all.length} scenarios ${
    all.filter((row) => row.passed).length
  } passed with:

${versions(toolchain)}

${tables(all)}
`

const runVitest = (subject: string, filters: ReadonlyArray<string>): Report | undefined => {
  const folder = mkdtempSync(join(tmpdir(), "interop-"))
  const output = join(folder, "report.json")
  try {
    spawnSync(
      process.execPath,
      [
        join(root, "node_modules", "vitest", "vitest.mjs"),
        "run",
        "--config",
        join("interop", "vitest.config.ts"),
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${output}`,
        ...filters
      ],
      { cwd: root, stdio: "inherit", env: { ...process.env, INTEROP_SUBJECT: subject } }
    )
    return Schema.decodeUnknownSync(Report)(readFileSync(output, "utf8"))
  } catch (error) {
    console.error(`interop: vitest left no readable report: ${String(error)}`)
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const main = (): number => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { "write-docs": { type: "boolean", default: false }, subject: { type: "string", default: "ts" } }
  })
  if (values["write-docs"] && (positionals.length > 0 || values.subject !== "ts")) {
    console.error("interop: --write-docs tells of a whole run of this library; drop the filter and the subject")
    return 1
  }
  const toolchain = GoPeer.toolchain()
  if (toolchain === undefined) {
    console.error(
      "interop: no Go toolchain found (\"go\" is not on the PATH). These tests talk to HashiCorp memberlist, which is " +
        "built from Go source: install Go 1.26 or later from https://go.dev/dl/ and run again. Nothing was tested."
    )
    return 1
  }
  try {
    GoPeer.build()
    SerfAgent.build()
  } catch (error) {
    console.error(`interop: the Go peer does not build: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
  const report = runVitest(values.subject, positionals)
  if (report === undefined) return 1
  const all = rows(report)
  const passed = all.filter((row) => row.passed).length
  console.log(`\n${versions(toolchain)}\n\n${tables(all)}\n\ninterop: ${passed} of ${all.length} scenarios passed`)
  if (values["write-docs"]) writeFileSync(docs, page(toolchain, all))
  return report.success && all.length > 0 ? 0 : 1
}

process.exitCode = main()
