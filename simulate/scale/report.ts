/** docs/scale.md: cost and speed by size, beside what theory says. */
import { table } from "../drawing/Markdown.ts"
import type { Chart } from "../drawing/Plot.ts"
import { mean } from "../measuring/Statistics.ts"
import { pushPull, type Scale } from "./measure.ts"

const number = (value: number, digits = 2): string =>
  !Number.isFinite(value)
    ? "–"
    : value >= 1000
    ? Math.round(value).toLocaleString("en-GB")
    : String(Number(value.toFixed(digits)))

/** JSON has no infinity: what never happened was written as null. */
const average = (values: ReadonlyArray<number | null>): number => mean(values.map((value) => value ?? Infinity))

/** Serf's convergence simulator, at 99.99 %: fan-out 3, 200 ms, no loss. */
const serf = (n: number): number => {
  for (let round = 1; round < 1000; round++) {
    if (1 / (1 + (n + 1) * Math.exp(-(3 / n) * 0.5 * n * round)) >= 0.9999) return round * 0.2
  }
  return NaN
}

/** The shortest suspicion, which a real failure gets: four times log₁₀ n seconds. */
const suspicion = (n: number): number => 4 * Math.max(1, Math.log10(n))
/** The most transmissions of one piece of news. */
const retransmissions = (n: number): number => 4 * Math.ceil(Math.log10(n + 1))
export const report = (results: ReadonlyArray<Scale>, folder: string): string =>
  `# What a member costs as the cluster grows

Measured by \`npm run simulate:scale\`: whole nodes, LAN preset, no loss, delays of 1 to 5 ms, virtual time, all members of
a cluster on one core. The numbers of messages and the times repeat exactly; processor time and memory are this machine's,
and include the simulated network.

## At rest

Per member and second. A member sends one ping a second and answers one, whatever the size: two packets. A push/pull
carries every member both ways, each time it is a member's turn or it is chosen: bytes grow with n, and the interval grows
with log₂ n to make up for some of it.

${
    table(
      [
        "members",
        "packets",
        "theory",
        "packet bytes",
        "push/pull bytes",
        "seconds between push/pulls",
        "processor, ms",
        "memory, KiB"
      ],
      results.map((r) => [
        number(r.members),
        number(r.packets),
        "2",
        number(r.packetBytes, 0),
        number(r.streamBytes, 0),
        number(pushPull(r.members)),
        number(r.cpuMillis),
        number(r.memory / 1024, 0)
      ]),
      0
    )
  }

![Bytes a member sends](${folder}/bytes.svg)

## News

Seconds until a change of metadata is known. Serf's simulator gives a bound in closed form for the gossip ticks alone
(99.99 %, fan-out 3 each 200 ms); log₂ n + ln n rounds is the limit of Demers for a fan-out of 1. Ours also rides on pings
and acks.

${
    table(
      ["members", "half of them", "all", "Serf's simulator", "sent at most, times each"],
      results.map((r) => [
        number(r.members),
        number(average(r.half)),
        number(average(r.all)),
        number(serf(r.members), 1),
        number(retransmissions(r.members))
      ]),
      0
    )
  }

![Seconds until news is known](${folder}/news.svg)

## Failures and joins

Seconds from a member's silent end until the first member suspects it (theory: 1 until the next probe of it, and 1 until
that is over), until the first declares it failed (plus the suspicion, shortened to 4·log₁₀ n by confirmations), and until
all know; and from the first join, sixteen at a time through one seed, until everybody knows everybody. Gossip is over
within seconds, but may leave out a single member in the view of another by chance (each repeats a piece of news only so
often); then it is a push/pull that completes the view, and the last column is of the order of their interval.

${
    table(
      ["members", "suspected", "theory", "failed", "theory", "known to all", "everybody joined"],
      results.map((r) => [
        number(r.members),
        number(average(r.suspected)),
        "2",
        number(average(r.failed)),
        number(2 + suspicion(r.members)),
        number(average(r.known)),
        number(r.convergence, 1)
      ]),
      0
    )
  }

![Seconds until a failure is known](${folder}/failures.svg)
`

export const charts = (results: ReadonlyArray<Scale>): ReadonlyArray<readonly [string, Chart]> => {
  const over = (of: (r: Scale) => number) => results.map((r) => ({ x: r.members, y: of(r) }))
  return [
    ["bytes.svg", {
      title: "Bytes that a member sends in a second, at rest",
      x: "members",
      y: "bytes a second",
      logX: true,
      logY: true,
      series: [
        { name: "packets", points: over((r) => r.packetBytes) },
        { name: "push/pull", points: over((r) => r.streamBytes) },
        {
          name: "push/pull, theory",
          colour: 1,
          dashed: true,
          // both directions of the exchanges that a member starts, at the bytes that a member takes in the smallest
          points: over((r) => {
            const [least] = results
            if (least === undefined) return NaN
            const each = least.streamBytes * pushPull(least.members) / least.members
            return each * r.members / pushPull(r.members)
          })
        }
      ]
    }],
    ["news.svg", {
      title: "Seconds until a change is known",
      x: "members",
      y: "seconds",
      logX: true,
      series: [
        { name: "half of the members", points: over((r) => average(r.half)) },
        { name: "all members", points: over((r) => average(r.all)) },
        { name: "Serf's simulator", dashed: true, points: over((r) => serf(r.members)) }
      ]
    }],
    ["failures.svg", {
      title: "Seconds after a member's end",
      x: "members",
      y: "seconds",
      logX: true,
      series: [
        { name: "first suspected", points: over((r) => average(r.suspected)) },
        { name: "first declared failed", points: over((r) => average(r.failed)) },
        { name: "known to all", points: over((r) => average(r.known)) },
        { name: "2 s + 4·log₁₀ n", dashed: true, points: over((r) => 2 + suspicion(r.members)) }
      ]
    }]
  ]
}
