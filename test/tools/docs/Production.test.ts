import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import { descriptions } from "../../../src/engine/telemetry/Counters.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")
const page = read("docs/production.md")
const alerts = read("deploy/prometheus/alerts.yaml")

/** Everything that a text says in this form. */
const all = (text: string, form: RegExp): ReadonlyArray<string> =>
  [...text.matchAll(form)].map(([, found = ""]) => found)

describe("the alerts", () => {
  const names = all(alerts, /- alert: (\w+)/g)

  it("have a row each in the page on production", () => {
    assert.isAbove(names.length, 10)
    assert.deepStrictEqual(all(page, /^\| `(Memberlist\w+)`/gm), names)
  })

  it("ask for metrics that there are, as Prometheus spells them", () => {
    const metrics = read("src/engine/telemetry/Metrics.ts")
    const there = new Set(
      [...Object.keys(descriptions), ...all(metrics, /(?:gauge|histogram)\("([\w.]+)"/g)]
        .map((name) => `memberlist_${name.replaceAll(".", "_")}`)
    )
    const asked = all(`${alerts}${read("deploy/prometheus/alerts.test.yaml")}`, /\b(memberlist_\w+)/g)
    assert.deepStrictEqual([...new Set(asked)].filter((name) => !there.has(name)), [])
  })

  it("ask for reasons that are counted", () => {
    const sources = `${read("src/engine/telemetry/Counters.ts")}${read("src/wire/message/Rejection.ts")}`
    const reasons = all(alerts, /reason=~?"([^"]+)"/g).flatMap((text) => text.split("|"))
    assert.isAbove(reasons.length, 5)
    assert.deepStrictEqual(reasons.filter((reason) => !sources.includes(`"${reason}"`) && reason !== "write"), [])
  })
})

describe("the deployments", () => {
  it("set variables that there are", () => {
    const known = new Set(all(`${read("docs/configuration.md")}${read("docs/agent.md")}`, /`(MEMBERLIST_\w+)`/g))
    const files = [
      "deploy/README.md",
      "deploy/docker/Dockerfile",
      "deploy/docker/compose.yaml",
      "deploy/kubernetes/agent.yaml",
      "deploy/systemd/effect-memberlist.service",
      "docs/production.md"
    ]
    const set = files.flatMap((file) => all(read(file), /\b(MEMBERLIST_\w+)/g))
    assert.isAbove(set.length, 15)
    assert.deepStrictEqual(set.filter((name) => !known.has(name)), [])
  })
})

describe("the page on production", () => {
  it("adds up the bytes that the page on scale has", () => {
    const cells = (line: string) => line.split("|").map((cell) => cell.trim().replaceAll(",", ""))
    const rests = read("docs/scale.md").split("## News")[0]?.split("\n").filter((line) =>
      /^\|\s+1[\d,]*0 \|/.test(line)
    )
    const sums = (rests ?? []).map((line) => Number(cells(line)[4]) + Number(cells(line)[5]))
    const told = page.split("\n").find((line) => line.startsWith("| bytes sent")) ?? ""
    assert.deepStrictEqual(cells(told).slice(2, -1).map(Number), sums)
  })
})
