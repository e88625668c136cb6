/**
 * Comparisons with other members over a channel that loses, repeats and delays: one of our own at a time, and answers
 * to theirs, both bounded.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Allowances } from "../../topic/Allowances.ts"
import type { Merged, Replica, Rules } from "../Replica.ts"
import { comparisonTime } from "../Seen.ts"
import { type Answer, encode, type MapFrame, type Question } from "./MapFrame.ts"
import * as Pull from "./Pull.ts"

/** How long an answer may take before the question is asked again, and how often it is. */
const PATIENCE = 3_000
const TRIES = 3
/** Answers that bring nothing new in one comparison. */
const IDLE = 16
/** Questions that wait for their answer. */
const WAITING = 64
/** Answers that are sent at the same time. */
const ANSWERERS = 4
/** What one member may be answered: bytes a second, and at once. */
const ANSWERED = { perSecond: 8 * 1_048_576, burst: 16 * 1_048_576 }
const MOST_NAMES = 4_096
/** How much we ask for in a second: less than that. */
const PACE = 4 * 1_048_576
/** What has to come in a second of a comparison that takes long, or who dribbles would keep us from others. */
const SLOWEST = 16_384
/** What a question costs beside the bytes of its answer. */
const LOOKING = 4_096

export interface Exchange {
  /** Takes a frame for us alone. */
  readonly take: (from: string, frame: Question | Answer) => void
  /** Compares with one member; nothing where it did not come to an end. */
  readonly compare: (peer: string) => Effect.Effect<Option.Option<Pull.Ended>>
}

/** What it needs of those around it. */
export interface Surroundings {
  readonly replica: Replica
  readonly rules: Rules
  /** The time of the wall clock. */
  readonly now: () => number
  readonly send: (to: string, bytes: Uint8Array) => Effect.Effect<boolean>
  readonly count: (what: string, by?: number) => void
  /** Tells of what was merged although the comparison was given up. */
  readonly merged: (merged: Merged) => void
}

const isAnswer = (frame: MapFrame): frame is Answer =>
  frame._tag === "Tops" || frame._tag === "Leaves" || frame._tag === "Chunk"

/** Answers until the scope closes. */
export const make = Effect.fnUntraced(function*(
  { count, merged, now, replica, rules, send }: Surroundings
): Effect.fn.Return<Exchange, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const questions = yield* Queue.dropping<{ readonly from: string; readonly question: Question }>(WAITING)
  const allowances = new Allowances(ANSWERED, MOST_NAMES)
  let current: { readonly peer: string; readonly session: number; readonly answers: Queue.Queue<Answer> } | undefined

  const answering = Effect.gen(function*() {
    const { from, question } = yield* Queue.take(questions)
    if (replica.isMerging || !allowances.take(from, LOOKING, monotonic())) return count("answer.refused")
    const bytes = encode(Pull.answer(replica, question, now()))
    if (!allowances.take(from, bytes.length, monotonic())) return count("answer.refused")
    if (yield* send(from, bytes)) {
      count(`answer.sent:${question._tag}`)
      count("answer.bytes", bytes.length)
    }
  })
  for (let i = 0; i < ANSWERERS; i++) {
    yield* answering.pipe(
      Effect.catchCause(() => Effect.sync(() => count("defect:answering"))),
      // one turn of the event loop for each, so that questions hold up nothing else
      Effect.andThen(Effect.yieldNow),
      Effect.forever,
      Effect.forkScoped
    )
  }

  /** Asks until there is an answer to this question. */
  const ask = Effect.fnUntraced(function*(peer: string, question: Question, answers: Queue.Queue<Answer>) {
    for (let left = TRIES; left > 0; left--) {
      const bytes = encode(question)
      if (!(yield* send(peer, bytes))) return undefined
      count("question.sent")
      count("question.bytes", bytes.length)
      const answer = yield* Effect.timeoutOption(Queue.take(answers), PATIENCE)
      if (Option.isSome(answer)) return answer.value
      count("question.unanswered")
    }
    return undefined
  })

  const run = Effect.fnUntraced(function*(peer: string) {
    const session = yield* Random.nextIntBetween(0, 0xffff_ffff)
    const answers = yield* Queue.sliding<Answer>(4)
    const pull = new Pull.Pull(session, replica, rules)
    const began = now()
    let idle = 0
    current = { peer, session, answers }
    for (;;) {
      const { question } = pull
      const answer = yield* ask(peer, question, answers)
      // a state from longer ago says nothing about what was forgotten since
      const age = now() - began
      const isSlow = age > rules.ahead && pull.received / SLOWEST < age / 1_000
      if (answer === undefined || isSlow || age > comparisonTime(rules)) {
        for (let part = pull.giveUpSome(now()); part !== undefined; part = pull.giveUpSome(now())) {
          merged(part)
          yield* Effect.yieldNow
        }
        return Option.none<Pull.Ended>()
      }
      let ended = pull.take(answer, now())
      while (ended === undefined && pull.isSettling) {
        yield* Effect.yieldNow
        ended = pull.settle(now())
      }
      if (ended !== undefined) return Option.some(ended)
      if (pull.question === question) {
        // an answer to a question that was asked twice
        idle++
        if (idle > IDLE) return Option.none<Pull.Ended>()
      } else if (answer._tag === "Chunk") {
        yield* Effect.sleep(answer.entries.reduce((sum, { size }) => sum + size, 0) / PACE * 1_000)
      }
    }
  })

  return {
    take: (from, frame) => {
      if (!isAnswer(frame)) {
        if (!Queue.offerUnsafe(questions, { from, question: frame })) count("question.dropped")
        return
      }
      if (current === undefined || current.peer !== from || current.session !== frame.session) {
        return count("answer.ignored")
      }
      Queue.offerUnsafe(current.answers, frame)
    },
    compare: (peer) =>
      Effect.onExit(run(peer), () =>
        Effect.sync(() => {
          current = undefined
        }))
  }
})
