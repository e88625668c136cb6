/**
 * `npm run handoff -- --postgres postgres://user@host/database`: how long after a runner of Effect Cluster was killed an
 * entity of it answers elsewhere, with Effect's ping and with membership, and what of that is waiting for the lock.
 */
import { parseArgs } from "node:util"
import { type Handoff, type Kind, measure } from "./Cluster.ts"

const usage = `npm run handoff -- --postgres URL [options]

  --postgres URL    an empty database of PostgreSQL, for the locks
  --runs N          runs of each, default 5
  --parallel N      clusters of three processes at a time, default 4
  --only TEXT       only those whose title has this
`

const { values } = parseArgs({
  options: {
    postgres: { type: "string" },
    runs: { type: "string", default: "5" },
    parallel: { type: "string", default: "4" },
    only: { type: "string", default: "" }
  }
})

const settings: Readonly<Record<string, Kind["sharding"]>> = {
  default: {},
  "health every 5 s": { runnerHealthCheckInterval: "5 seconds" },
  tuned: {
    shardLockExpiration: "10 seconds",
    runnerHealthCheckInterval: "5 seconds",
    refreshAssignmentsInterval: "1 second"
  }
}

const locks: ReadonlyArray<Kind["locks"]> = ["lease", "connection"]
const ours: ReadonlyArray<Kind["ours"]> = ["nothing", "health", "health and list"]

const kinds = Object.entries(settings).flatMap(([name, sharding]) =>
  locks.flatMap((locks) =>
    ours.map((ours) => ({ title: `${name} | ${locks} | ${ours}`, kind: { sharding, locks, ours } as const }))
  )
)

const seconds = (millis: number) => (millis / 1000).toFixed(1)
const median = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN

const row = (title: string, all: ReadonlyArray<Handoff>) => {
  const column = (field: keyof Handoff) => seconds(median(all.map((one) => one[field])))
  const totals = all.map(({ total }) => total)
  const range = `${seconds(Math.min(...totals))} to ${seconds(Math.max(...totals))}`
  return `| ${title} | ${column("unlisted")} | ${column("locked")} | ${column("answered")} | ${
    column("total")
  } | ${range} |`
}

const run = async (database: string) => {
  const chosen = kinds.filter(({ title }) => title.includes(values.only))
  const rows = new Map<string, string>()
  const left = [...chosen.entries()]
  const failures: Array<string> = []
  await Promise.all(Array.from({ length: Number(values.parallel) }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [i, { kind, title }] = next
      const prefix = `handoff_${process.pid}_${i}`
      try {
        const found = await measure(
          kind,
          database,
          prefix,
          Number(values.runs),
          (text) => console.log(`${title}: ${text}`)
        )
        rows.set(title, row(title, found))
      } catch (error) {
        failures.push(`${title}: ${String(error)}`)
        console.log(failures.at(-1))
      }
    }
  }))
  console.log("\nSeconds, medians. Settings | locks | membership | unlisted | lock | answer | total | from and to")
  for (const { title } of chosen) console.log(rows.get(title) ?? `| ${title} | failed |`)
  process.exitCode = failures.length === 0 ? 0 : 1
}

if (values.postgres === undefined) {
  console.error(usage)
  process.exitCode = 1
} else await run(values.postgres)
