/**
 * Packs messages, and lists of them, into frames of bounded size.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Ranges from "./Ranges.ts"
import { type Batch, type Body, type Kept, MAX_BATCH, MAX_RANGES, type Message, type Span } from "./TopicFrame.ts"
import * as Window from "./Window.ts"

/** Publishers in one list, so that its frame fits a datagram where names are of usual length. */
const SPANS_A_FRAME = 24
/** Bytes of payload in one batch, unless a single message is larger. */
const BATCH_BYTES = 262_144

/** Messages by their publishers, as many lists as frames are needed. */
export const lists = (
  messages: ReadonlyArray<Omit<Message, "payload">>
): ReadonlyArray<ReadonlyArray<Span>> => {
  const byStream = new Map<string, { readonly first: Omit<Message, "payload">; readonly numbers: Array<number> }>()
  for (const message of messages) {
    const stream = Window.streamOf(message)
    const group = byStream.get(stream)
    if (group === undefined) byStream.set(stream, { first: message, numbers: [message.sequence] })
    else group.numbers.push(message.sequence)
  }
  const spans = [...byStream.values()].map(({ first: { epoch, origin }, numbers }) => ({
    origin,
    epoch,
    ranges: Ranges.of(numbers)
  })).flatMap((span) =>
    Array.from({ length: Math.ceil(span.ranges.length / MAX_RANGES) }, (_, i): Span => ({
      ...span,
      ranges: span.ranges.slice(i * MAX_RANGES, (i + 1) * MAX_RANGES)
    }))
  )
  return Array.from(
    { length: Math.ceil(spans.length / SPANS_A_FRAME) },
    (_, i) => spans.slice(i * SPANS_A_FRAME, (i + 1) * SPANS_A_FRAME)
  )
}

/** As many batches as are needed. */
export const batches = (messages: ReadonlyArray<Kept>, isAsked: boolean): ReadonlyArray<Batch> => {
  const found: Array<Batch> = []
  let batch: Array<Kept> = []
  let bytes = 0
  const end = () => {
    if (batch.length > 0) found.push({ _tag: "Batch", isAsked, messages: batch })
    batch = []
    bytes = 0
  }
  for (const kept of messages) {
    const more = kept.message.payload.length
    if (batch.length >= MAX_BATCH || (bytes > 0 && bytes + more > BATCH_BYTES)) end()
    batch.push(kept)
    bytes += more
  }
  end()
  return found
}

/** Bytes of what comes with each payload, publisher or range in an answer, about. */
const [A_MESSAGE, A_SPAN, A_RANGE] = [64, 64, 8]

/** About how many bytes an answer has, which is known before it is encoded; 0 where a frame is no answer. */
export const sizeOfAnswer = (body: Body): number => {
  if (body._tag === "Batch") {
    return body.messages.reduce((sum, { message }) => sum + message.payload.length + A_MESSAGE, 0)
  }
  if (body._tag !== "Digest" || body.wantsAnswer) return 0
  return body.spans.reduce((sum, { origin, ranges }) => sum + origin.length + A_SPAN + ranges.length * A_RANGE, A_SPAN)
}
