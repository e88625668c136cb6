/** Messages from one process to another, one after the other. */
import type { Subject } from "../../page/Results.ts"
import { atMostTimes, type Section } from "../../page/Section.ts"
import type { Child } from "../Child.ts"
import { AGREEMENT_SECONDS, cpuOf, type Measuring, sum, wait, withChildren } from "../Measuring.ts"

export const seconds = 20

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
  const { meanMicros, medianMicros } = await sender.ask("send", { to, count, ...kind })
  const arrived = await received(receiver, from, count)
  const after = sum(await cpuOf([sender, receiver]))
  return {
    micros: Number(medianMicros),
    mean: Number(meanMicros),
    cpu: (after - before) / count,
    lost: count - arrived
  }
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
      measuring.record(subject, {
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

export const section: Section = {
  title: () => "Messages from one process to another",
  text: (amounts) =>
    `${amounts.reliable} messages of 1,000 bytes, \`reliable\`, one after the other, and ${amounts.bestEffort} of 100 bytes, best effort, 20 and then a
pause of 2 ms, so that none is lost and so saves work. Hexadecimal noise, compressed as the LAN preset says. Half as many are
sent before, unmeasured. The time is the sender's for one message, until it is written; processor time is that of both
processes, with what the nodes do besides. The floor connects, writes and ends, or sends a datagram, and compresses nothing.`,
  figures: [
    { key: "reliable", title: "reliable, median µs", digits: 0 },
    { key: "reliableMean", title: "mean µs", digits: 0 },
    { key: "reliableCpu", title: "reliable, CPU µs", digits: 0 },
    { key: "reliableLost", title: "lost", digits: 0 },
    { key: "bestEffortCpu", title: "best effort, CPU µs", digits: 1 },
    { key: "bestEffortLost", title: "lost", digits: 0 }
  ],
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
