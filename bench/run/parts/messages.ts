/** Messages from one process to another, one after the other. */
import type { Subject } from "../../page/Results.ts"
import { atMostTimes, type Figure, type Section, table } from "../../page/Section.ts"
import type { Child } from "../Child.ts"
import { AGREEMENT_SECONDS, cpuOf, type Measuring, sum, wait, withChildren } from "../Measuring.ts"

export const seconds = 50

/** Part of what is sent first and not measured: until then, code is compiled that a program that runs for long has compiled. */
const WARM = 0.5

/** Datagrams come in bursts, with pauses in which the receiver keeps up: else there is less to do because some are lost. */
const BURST = { burst: 20, pauseMs: 2 }

interface Kind {
  readonly reliable: boolean
  readonly size: number
  readonly burst: number
  readonly pauseMs: number
}

/** Messages that tell when they were sent, one every few milliseconds, so that none waits for another. */
const LATENCY = { count: 500, stamped: true, burst: 1, pauseMs: 2 }

/** So many datagrams, a pause of a millisecond, and so on: from a number on, some are lost. */
const FLOODS = [20, 40, 80, 160, 320, 640]
const FLOOD_BURSTS = 200
/** At the most that may be lost of what counts as sent. */
const LOSS = 0.01

const reliable: Kind = { reliable: true, size: 1000, burst: 0, pauseMs: 0 }
const bestEffort: Kind = { reliable: false, size: 100, ...BURST }

const LATE_MS = 1000

/** Waits until all have come, or none came for a while; how many came. */
const received = async (receiver: Child, from: number, count: number): Promise<number> => {
  let arrived = 0
  for (let news = performance.now(); arrived < count && performance.now() - news < LATE_MS; await wait(0.01)) {
    const now = Number((await receiver.ask("received"))["count"]) - from
    if (now > arrived) news = performance.now()
    arrived = now
  }
  return arrived
}

const exchange = async (sender: Child, receiver: Child, to: unknown, kind: Kind, count: number) => {
  const from = Number((await receiver.ask("received"))["count"])
  const before = sum(await cpuOf([sender, receiver]))
  const { meanMicros, medianMicros, p99Micros } = await sender.ask("send", { to, count, ...kind })
  const arrived = await received(receiver, from, count)
  const after = sum(await cpuOf([sender, receiver]))
  return {
    micros: Number(medianMicros),
    p99: Number(p99Micros),
    mean: Number(meanMicros),
    cpu: (after - before) / count,
    lost: count - arrived
  }
}

/** How long it is from one application to the other: the middle one, and what one in a hundred exceeds. */
const latency = async (sender: Child, receiver: Child, to: unknown, kind: Kind) => {
  await exchange(sender, receiver, to, { ...kind, ...LATENCY }, LATENCY.count)
  const { medianMicros, p99Micros } = await receiver.ask("latencies")
  return { median: Number(medianMicros), p99: Number(p99Micros) }
}

/** The most datagrams a second that arrive of those of which hardly any are lost. */
const most = async (sender: Child, receiver: Child, to: unknown): Promise<number> => {
  let rate = 0
  for (const burst of FLOODS) {
    const count = burst * FLOOD_BURSTS
    const began = performance.now()
    const from = Number((await receiver.ask("received"))["count"])
    await sender.ask("send", { to, count, ...bestEffort, burst, pauseMs: 1 })
    const elapsed = (performance.now() - began) / 1000
    const arrived = await received(receiver, from, count)
    if (count - arrived > count * LOSS) break
    rate = Math.max(rate, arrived / elapsed)
  }
  return rate
}

/** Both processes know each other; what the sender sends to. */
const form = async (subject: Subject, sender: Child, receiver: Child): Promise<unknown> => {
  const { address } = await receiver.ask("start", { names: ["receiver"] })
  await sender.ask("start", { names: ["sender"] })
  if (subject === "bare") return address
  await sender.ask("join", { seeds: [address] })
  for (const child of [sender, receiver]) await child.ask("agree", { expect: 2, seconds: AGREEMENT_SECONDS })
  return "receiver"
}

export const measure = async (measuring: Measuring): Promise<void> => {
  for (const subject of measuring.turns("ours", "before", "go", "bare")) {
    measuring.say(subject)
    const command = measuring.command(subject, "messages")
    await withChildren([command, command], async ([sender, receiver]) => {
      if (sender === undefined || receiver === undefined) return
      const to = await form(subject, sender, receiver)
      const timed = async (kind: Kind, count: number) => {
        await exchange(sender, receiver, to, kind, Math.ceil(count * WARM))
        return exchange(sender, receiver, to, kind, count)
      }
      const stream = await timed(reliable, measuring.amounts.reliable)
      const packet = await timed(bestEffort, measuring.amounts.bestEffort)
      const streamLatency = await latency(sender, receiver, to, reliable)
      const packetLatency = await latency(sender, receiver, to, bestEffort)
      measuring.record(subject, {
        reliableRate: 1e6 / stream.mean,
        reliableP99: stream.p99,
        reliableLatency: streamLatency.median,
        reliableLatencyP99: streamLatency.p99,
        bestEffortLatency: packetLatency.median,
        bestEffortLatencyP99: packetLatency.p99,
        bestEffortRate: await most(sender, receiver, to),
        reliable: stream.micros,
        reliableMean: stream.mean,
        reliableCpu: stream.cpu,
        reliableLost: stream.lost,
        bestEffortCpu: packet.cpu,
        bestEffortLost: packet.lost
      })
    })
  }
}

const costs: ReadonlyArray<Figure> = [
  { key: "reliable", title: "reliable, median µs", digits: 0 },
  { key: "reliableP99", title: "99 % µs", digits: 0 },
  { key: "reliableMean", title: "mean µs", digits: 0 },
  { key: "reliableCpu", title: "reliable, CPU µs", digits: 0 },
  { key: "reliableLost", title: "lost", digits: 0 },
  { key: "bestEffortCpu", title: "best effort, CPU µs", digits: 1 },
  { key: "bestEffortLost", title: "lost", digits: 0 }
]

const reached: ReadonlyArray<Figure> = [
  { key: "reliableRate", title: "reliable a second, one after the other", digits: 0 },
  { key: "reliableLatency", title: "latency, median µs", digits: 0 },
  { key: "reliableLatencyP99", title: "99 % µs", digits: 0 },
  { key: "bestEffortRate", title: "best effort a second, at most", digits: 0 },
  { key: "bestEffortLatency", title: "latency, median µs", digits: 0 },
  { key: "bestEffortLatencyP99", title: "99 % µs", digits: 0 }
]

export const section: Section = {
  title: () => "Messages from one process to another",
  text: (amounts) =>
    `${amounts.reliable} messages of 1,000 bytes, \`reliable\`, one after the other, and ${amounts.bestEffort} of 100 bytes, best effort, 20 and then a
pause of 2 ms, so that none is lost and so saves work. Hexadecimal noise, compressed as the LAN preset says. Half as many are
sent before, unmeasured. The time is the sender's for one message: all three connect, hand the bytes to the system, and close,
which tells nobody whether the other side has read them. Processor time is that of both processes, with what the nodes do
besides. The floor, \`net.connect\`, write and destroy, or a datagram, compresses nothing.

A latency is that from one application to the other, of ${LATENCY.count} messages ${LATENCY.pauseMs} ms apart. The most best-effort messages
a second are those that arrive when at most ${LOSS * 100} % are lost: bursts of ${
      FLOODS.join(", ")
    }, with a pause of a millisecond after each.`,
  figures: [...costs, ...reached],
  body: ({ samples }) =>
    [table(samples, costs), table(samples, reached)].filter((each) => each !== undefined).join("\n\n"),
  targets: [
    atMostTimes(2, "bare", { work: "reliable message of 1,000 bytes", key: "reliable", digits: 0, unit: "µs" }),
    atMostTimes(1, "go", { work: "the same", key: "reliable", digits: 0, unit: "µs" }),
    atMostTimes(3, "bare", {
      work: "best-effort message of 100 bytes",
      key: "bestEffortCpu",
      digits: 1,
      unit: "µs of CPU"
    })
  ]
}
