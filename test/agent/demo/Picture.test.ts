import { assert, describe, it } from "@effect/vitest"
import * as Film from "../../../demo/Film.ts"
import * as Picture from "../../../src/agent/demo/Picture.ts"
import * as Text from "../../../src/agent/demo/Text.ts"
import * as World from "../../../src/agent/demo/World.ts"
import * as Tale from "../../support/DemoTale.ts"

const plain = (rows: ReadonlyArray<Text.Row>): ReadonlyArray<string> =>
  rows.map((row) => row.map(({ text }) => text).join("").trimEnd())

const stateAt = (names: ReadonlyArray<string>, time: number): World.State =>
  Tale.told(names).findLast(({ at }) => at <= time)?.state ?? World.empty

const drawnAt = (names: ReadonlyArray<string>, time: number, size: Picture.Size): ReadonlyArray<string> =>
  plain(Picture.draw(stateAt(names, time), time, size))

const small = { columns: 80, rows: 24 }

const long = (count: number) =>
  Array.from({ length: count }, (_, i) => `a-name-of-forty-characters-${i}`.padEnd(40, "x"))
const wide = (count: number) => Array.from({ length: count }, (_, i) => `節点-${i}-👩‍🔧-é`)

describe("the demo's picture", () => {
  it("shows a suspicion in 80x24", () => {
    assert.deepStrictEqual(drawnAt(Tale.nodes(5), 5000, small), [
      "  effect-memberlist  5 processes on this machine                          5.0 s",
      "",
      "  ✓━━━━━━━━━━━✓━━━━━━━━━━━✓━━━━━━━━━━━▸───────────·───────────·",
      "  start       kill        suspicion   failure     return      leave",
      "  2.6 s       SIGKILL     1.5 s",
      "",
      "  sees      node-1  node-2  node-3  node-4  node-5",
      "  node-1       ●       ●       ●       ●       ?     127.0.0.1:40000  pid 30000",
      "  node-2       ●       ●       ●       ●       ?     127.0.0.1:40001  pid 30001",
      "  node-3       ●       ●       ●       ●       ?     127.0.0.1:40002  pid 30002",
      "  node-4       ●       ●       ●       ●       ?     127.0.0.1:40003  pid 30003",
      "  node-5                                             killed",
      "",
      "  ● alive  ? suspected  ✕ failed  ○ left  · not known        0 of 4 lists right",
      "",
      "   0.0 s  ▸ starting 5 members, each a process of its own",
      "   2.6 s  ✓ all 5 members see each other",
      "   3.0 s  ▸ killing the last (SIGKILL): it says no goodbye",
      "   4.4 s  ? node-5 is suspected (4 of 4), after 1.4 s",
      "",
      "",
      "",
      "",
      ""
    ])
  })

  it("has all nine members, the story and the last events in 80x24", () => {
    const rows = drawnAt(Tale.nodes(9), 9100, small)
    assert.strictEqual(rows.length, 24)
    assert.deepStrictEqual(rows.slice(6, 17), [
      "  sees       1   2   3   4   5   6   7   8   9",
      ...Array.from(
        { length: 7 },
        (_, i) =>
          `  ${i + 1} node-${i + 1}   ●   ●   ●   ●   ●   ●   ●   ○   ●   127.0.0.1:${40_000 + i}  pid ${30_000 + i}`
      ),
      "  8 node-8                                       left",
      "  9 node-9   ●   ●   ●   ●   ●   ●   ●   ○   ●   127.0.0.1:40099  pid 30099",
      ""
    ])
    assert.match(rows[17] ?? "", /✓ all 8 lists right$/)
    assert.deepStrictEqual(rows.slice(19), [
      "   7.4 s  ✕ node-9 failed (8 of 8), after 4.4 s",
      "   7.9 s  ▸ starting the last again, with its old name and port",
      "   8.6 s  ● node-9 is back (8 of 8), after 0.7 s",
      "   9.0 s  ▸ stopping the last but one (SIGTERM): it says goodbye",
      "   9.0 s  ○ node-8 left (8 of 8), after 10 to 50 ms"
    ])
  })

  it("fills every terminal exactly, at every moment, with any number of members and any names", () => {
    const sizes = [small, { columns: 100, rows: 30 }, { columns: 200, rows: 60 }, { columns: 40, rows: 12 }]
    const tiny = [{ columns: 20, rows: 5 }, { columns: 1, rows: 1 }]
    for (const names of [Tale.nodes(3), Tale.nodes(9), Tale.nodes(50), long(5), long(9), wide(5), wide(9)]) {
      const moments = Tale.told(names)
      const some = moments.filter((_, i) => i % Math.ceil(moments.length / 4) === 0 || i === moments.length - 1)
      for (const { columns, rows } of [...sizes, ...tiny]) {
        for (const { at, state } of some) {
          const picture = Picture.draw(state, at, { columns, rows })
          assert.strictEqual(picture.length, rows)
          for (const row of picture) assert.isAtMost(Text.rowWidth(row), columns, plain([row]).join())
        }
      }
    }
  })

  it("puts the columns of members in line, however wide their names are", () => {
    for (const names of [wide(5), wide(9), long(9)]) {
      const rows = plain(Picture.matrixRows(stateAt(names, Infinity), 80)).filter((row) => row.includes("●"))
      const columns = rows.map((row) =>
        [...row.matchAll(/[●○]/g)].map(({ index }) => Text.width(row.slice(0, index))).join()
      )
      assert.strictEqual(rows.length, names.length - 1)
      assert.strictEqual(new Set(columns).size, 1, rows.join("\n"))
    }
  })

  it("tells how many members there is no room for", () => {
    const rows = plain(Picture.matrixRows(stateAt(Tale.nodes(50), Infinity), 80, 10))
    assert.strictEqual(rows.length, 10)
    assert.strictEqual(rows.at(-1), "  … and 42 more")
    assert.match(rows[0] ?? "", /^ {2}sees +5 {4}10 {4}15/)
  })

  it("writes one time where two are the same to the reader", () => {
    assert.strictEqual(Picture.range(1310, 1340), "1.3 s")
    assert.strictEqual(Picture.range(1310, 1390), "1.3 to 1.4 s")
    assert.strictEqual(Picture.range(8, 21), "8 to 21 ms")
    assert.strictEqual(Picture.range(99, 110), "99 ms to 0.1 s")
  })
})

describe("text for a terminal", () => {
  it("is measured in columns", () => {
    assert.deepStrictEqual(["abc", "é", "e\u0301", "節点", "👩‍🔧", "❤️", "ｱ", "Ａ", "●"].map(Text.width), [
      3,
      1,
      1,
      4,
      2,
      2,
      1,
      2,
      1
    ])
  })

  it("cuts a name in the middle, between characters", () => {
    assert.strictEqual(Text.name("node-with-a-long-name-17", 12), "node-w…me-17")
    assert.strictEqual(Text.name("節点節点節点", 8), "節点…点")
    assert.strictEqual(Text.width(Text.name("節点節点節点", 8)), 7)
    assert.strictEqual(Text.name("node-1", 6), "node-1")
  })

  it("puts what follows a character of doubtful width where it belongs", () => {
    const row = [Text.span("節"), Text.span(" a", "good"), Text.span("b")]
    assert.strictEqual(
      Text.placed(row, { colours: true, unicode: true }),
      "節\u001b[3G\u001b[32m a\u001b[0mb"
    )
  })

  it("has no colour and no style without colours", () => {
    const row = [Text.span("a", "bold"), Text.span("b", "bad")]
    assert.strictEqual(Text.printed(row, { colours: false, unicode: true }), "ab")
    assert.strictEqual(Text.placed(row, { colours: false, unicode: true }), "ab")
  })
})

describe("the recording of the demo", () => {
  const film = (names: ReadonlyArray<string>): string =>
    Film.svg({
      title: "a <story>",
      description: "it \"ends\" & begins",
      command: "npm run demo",
      columns: 80,
      rest: 4000,
      frames: Array.from({ length: 47 }, (_, i) => i * 200)
        .map((time) => ({ at: time, rows: Picture.draw(stateAt(names, time), time, small) }))
    })

  it("is one small file that needs nothing from elsewhere and runs nothing", () => {
    const svg = film(Tale.nodes(5))
    assert.isBelow(Buffer.byteLength(svg), 200_000)
    assert.notMatch(
      svg.replace("xmlns=\"http://www.w3.org/2000/svg\"", ""),
      /https?:|<script|<image|@import|url\(|\son\w+=/
    )
  })

  it("has a title, a description, colours for light and dark, and a picture for those who want no movement", () => {
    const svg = film(Tale.nodes(5))
    assert.include(svg, "<title id=\"t\">a &lt;story&gt;</title>")
    assert.include(svg, "<desc id=\"d\">it \"ends\" &amp; begins</desc>")
    assert.include(svg, "prefers-color-scheme:dark")
    assert.include(svg, "prefers-reduced-motion:reduce")
  })

  it("shows pictures in their order, from the first moment to the last", () => {
    const svg = film(Tale.nodes(5))
    const steps = [...svg.matchAll(/([\d.]+)%\{transform:translateY\((-?\d+)px\)\}/g)]
      .map(([, at = "", y = ""]) => [Number(at), Number(y)] as const)
    assert.deepStrictEqual(steps[0], [0, 0])
    assert.strictEqual(steps.at(-1)?.[0], 100)
    for (const [i, [at, y]] of steps.entries()) {
      const [before, above] = steps[i - 1] ?? [-1, 1]
      assert.isAbove(at, before)
      assert.isAtMost(y, above)
    }
    // every row that is used is there
    const known = new Set([...svg.matchAll(/<g id="(r\d+)"/g)].map(([, id]) => id))
    for (const [, id] of svg.matchAll(/href="#(r\d+)"/g)) assert.isTrue(known.has(id), id)
  })

  it("keeps hostile names inside their text", () => {
    const svg = film(["a", "b", "</text><script>alert(1)</script>"])
    assert.notInclude(svg, "<script")
    assert.include(svg, "&lt;/text&gt;")
  })
})
