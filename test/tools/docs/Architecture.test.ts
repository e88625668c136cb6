import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { generate } from "../../../scripts/architecture/all.ts"
import * as Graph from "../../../scripts/architecture/graph.ts"
import * as Imports from "../../../scripts/architecture/imports.ts"
import { stories } from "../../../scripts/architecture/record.ts"
import * as Sequence from "../../../scripts/architecture/sequence.ts"
import { life, transitions } from "../../../scripts/architecture/states.ts"

const root = Path.resolve(import.meta.dirname, "../../..")

describe("the pictures of the architecture", () => {
  it("are what the sources say; npm run write-architecture makes them so", async () => {
    const generated = await generate(root)
    const folder = "docs/architecture"
    assert.deepStrictEqual(
      readdirSync(Path.join(root, folder)).map((file) => `${folder}/${file}`).sort(),
      [...generated.keys()].sort()
    )
    const stale = [...generated].filter(([file, text]) => readFileSync(Path.join(root, file), "utf8") !== text)
    assert.deepStrictEqual(stale.map(([file]) => file), [])
  })

  it("are all shown in the page", () => {
    const page = readFileSync(Path.join(root, "docs/architecture.md"), "utf8")
    for (const file of readdirSync(Path.join(root, "docs/architecture"))) assert.include(page, `(architecture/${file})`)
  })
})

describe("the picture of imports", () => {
  const modules = Imports.modules(
    new Map([
      ["src/Member.ts", ""],
      ["src/engine/Step.ts", `import type { Member } from "../Member.ts"\nimport * as A from "./sending/A.ts"`],
      ["src/engine/sending/A.ts", `/** As in import { x } from "../B.ts". */\nexport * from "./B.ts"`],
      ["src/engine/sending/B.ts", `import "../probing/C.ts"\nimport * as D from "../probing/D.ts"`],
      ["src/engine/probing/C.ts", `import * as Effect from "effect/Effect"`],
      ["src/engine/probing/D.ts", `export const a = () => import("../sending/A.ts")`]
    ])
  )

  it("has every form of import, types included, and nothing from comments or packages", () => {
    assert.deepStrictEqual(modules.map(({ imports }) => imports), [
      [],
      ["src/Member.ts", "src/engine/sending/A.ts"],
      ["src/engine/sending/B.ts"],
      ["src/engine/probing/C.ts", "src/engine/probing/D.ts"],
      [],
      ["src/engine/sending/A.ts"]
    ])
  })

  it("counts imports between folders, and marks those that run back", () => {
    assert.deepStrictEqual(Imports.folders(modules, "engine").edges, [
      { from: "probing", to: "sending", label: ["1"], back: true },
      { from: "sending", to: "probing", label: ["2"], back: false }
    ])
  })

  it("draws arrows that others imply lighter", () => {
    const sources = new Map([
      ["src/base/A.ts", ""],
      ["src/swim/B.ts", `import "../base/A.ts"`],
      ["src/engine/C.ts", `import "../base/A.ts"\nimport "../swim/B.ts"`]
    ])
    assert.deepStrictEqual(Imports.layers(Imports.modules(sources)).edges, [
      { from: "engine", to: "base", light: true },
      { from: "engine", to: "swim", light: false },
      { from: "swim", to: "base", light: false }
    ])
  })
})

describe("the picture of a member's states", () => {
  it("has every change that the rules make", () => {
    const all = new Map(transitions().map(({ by, from, to }) => [`${from} → ${to}`, by]))
    assert.deepStrictEqual([...all.keys()].sort(), [
      "alive → alive",
      "alive → dead",
      "alive → left",
      "alive → suspect",
      "dead → alive",
      "dead → unknown",
      "left → alive",
      "left → unknown",
      "suspect → alive",
      "suspect → dead",
      "suspect → left",
      "suspect → suspect",
      "unknown → alive"
    ])
    assert.deepStrictEqual(all.get("suspect → alive"), ["alive (newer)"])
    assert.deepStrictEqual(all.get("suspect → dead"), ["dead (same or newer)", "its suspicion's time is over"])
    assert.deepStrictEqual(all.get("dead → alive"), [
      "alive (newer)",
      "alive elsewhere, after deadNodeReclaimTime (any)"
    ])
  })
})

describe("the picture of a node's life", () => {
  it("has every stage, and no way out of the last", () => {
    const { edges, nodes } = life()
    assert.deepStrictEqual(nodes.map(({ id }) => id), ["Unannounced", "Present", "Left", "Returning", "Closed"])
    assert.isFalse(edges.some(({ from }) => from === "Closed"))
    for (const { id } of nodes) assert.isTrue(edges.some(({ from, to }) => from === id || to === id))
  })
})

describe("the sequences", () => {
  const words = (name: string) =>
    (stories[name]?.().steps ?? []).map((step) =>
      step._tag === "Arrow"
        ? `${step.from}${step.lost ? "-✕" : "→"}${step.to} ${step.label}`
        : `${step.of} ${step.text}`
    )

  it("tell of a member that the prober cannot reach, and a helper can", () => {
    assert.deepStrictEqual(words("indirect-probe"), [
      "a-✕c ping",
      "a→b indirect ping: ask c",
      "a-✕c TCP ping",
      "b→c ping",
      "c→b ack",
      "b→a ack"
    ])
  })

  it("tell of a suspicion until both have heard the refutation", () => {
    const story = words("refutation")
    const order = [
      "a suspects c",
      "a→c suspect c, incarnation 1",
      "c→a alive c, incarnation 2",
      "a drops its suspicion of c"
    ]
    const places = order.map((step) => story.indexOf(step))
    assert.isFalse(places.includes(-1))
    assert.deepStrictEqual(places, [...places].sort((a, b) => a - b))
    assert.include(story, "b drops its suspicion of c")
  })
})

describe("a picture", () => {
  it("has a ground of its own and takes any text", async () => {
    const graph = await Graph.draw({
      title: "a < b & \"c\"",
      direction: "TB",
      nodes: [{ id: "x \"y\"", label: ["x \"y\" \\", "<z>"], fill: "white" }],
      edges: [{ from: "x \"y\"", to: "x \"y\"", label: ["&"] }]
    })
    const sequence = Sequence.draw({
      title: "a < b",
      lanes: [["p", "<"], ["q", "&"]],
      steps: [
        { _tag: "Arrow", from: "p", to: "q", label: "x < y", at: 0, lost: true, stream: false },
        { _tag: "Note", of: "q", text: "a & b", at: 1 }
      ]
    })
    assert.match(graph, /<polygon fill="white"/)
    assert.match(graph, /font-weight="bold"[^>]*>[^<]*x &quot;y&quot; \\/)
    assert.include(graph, "&lt;z&gt;")
    assert.include(sequence, "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>")
    assert.include(sequence, "x &lt; y")
    assert.include(sequence, "✕")
    assert.include(sequence, "a &amp; b")
  })
})
