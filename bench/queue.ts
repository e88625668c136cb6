/**
 * How long the broadcast queue takes per packet: every outgoing packet draws from it. Run with
 * `npm exec -- node bench/queue.ts`.
 */
import { retransmitLimit } from "../src/base/Scaling.ts"
import * as BroadcastQueue from "../src/swim/gossip/BroadcastQueue.ts"

const PACKET = { overhead: 2, limit: 1400 }

/** A queue of named broadcasts of 60 to 139 bytes, about what alive messages measure. */
const fill = (count: number): BroadcastQueue.BroadcastQueue => {
  let queue: BroadcastQueue.BroadcastQueue = BroadcastQueue.empty
  for (let i = 0; i < count; i++) queue = add(queue, i, i)
  return queue
}

const add = (queue: BroadcastQueue.BroadcastQueue, member: number, turn: number): BroadcastQueue.BroadcastQueue =>
  BroadcastQueue.queue(queue, {
    name: `member-${member}`,
    unique: false,
    message: new Uint8Array(60 + (turn * 37) % 80)
  })[0]

const perCall = (calls: number, call: () => void): number => {
  for (let i = 0; i < calls; i++) call()
  const start = performance.now()
  for (let i = 0; i < calls; i++) call()
  return (performance.now() - start) * 1000 / calls
}

const measure = (count: number) => {
  const full = fill(count)
  const limit = retransmitLimit(4, count)
  let queue = full
  const drawing = perCall(20_000, () => {
    const drawn = BroadcastQueue.draw(queue, { ...PACKET, retransmitLimit: limit })
    queue = BroadcastQueue.size(drawn.queue) < count / 2 ? full : drawn.queue
  })
  let turn = 0
  let spread = full
  for (let i = 0; i < count / 4; i++) spread = BroadcastQueue.draw(spread, { ...PACKET, retransmitLimit: limit }).queue
  const replacing = perCall(20_000, () => {
    turn++
    spread = add(spread, turn % count, turn)
  })
  return {
    queued: count,
    "draw, µs": Number(drawing.toFixed(1)),
    "replace, µs": Number(replacing.toFixed(1))
  }
}

console.table([100, 1_000, 5_000, 20_000].map(measure))
