/**
 * What a hook may return, fail with and succeed with. Types do not hold for JavaScript, for `any`, and for what was
 * parsed: a hook that returns something else has died, with an error that says what was expected and what came.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { MAX_PARTS } from "../../base/Limits.ts"
import type { Delegate } from "../../Delegate.ts"
import { JoinRejected } from "../../MemberlistError.ts"

/** A hook that answers. */
export type Asked = "admit" | "merge" | "ackPayload" | "localState" | "broadcasts"

/** What something is, in few words; never the thing itself, which may be long or secret. */
const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== "object") return `a ${typeof value}`
  if (Array.isArray(value)) return "an array"
  if (Predicate.isPromiseLike(value)) return "a Promise"
  const tag = "_tag" in value ? value._tag : undefined
  return typeof tag === "string" ? `an object tagged ${tag.slice(0, 32)}` : "an object"
}

/** A `Uint8Array` or a `Buffer`, also one made in another realm, of which `instanceof` knows nothing. */
const isBytes = (value: unknown): boolean =>
  ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]"

const notBytes = (value: unknown): string | undefined => isBytes(value) ? undefined : kindOf(value)

/** No more parts are looked at than a packet has, and the first that does not fit. */
const notList = (value: unknown): string | undefined => {
  if (!Array.isArray(value)) return kindOf(value)
  const looked = Math.min(value.length, MAX_PARTS + 1)
  for (let i = 0; i < looked; i++) {
    const part: unknown = value[i]
    if (!isBytes(part)) return `an array whose element ${i} is ${kindOf(part)}`
  }
  return undefined
}

interface Expected {
  readonly what: string
  /** What came instead, in words; `undefined` when the value is right. */
  readonly wrong: (value: unknown) => string | undefined
}

const bytes: Expected = { what: "a Uint8Array", wrong: notBytes }
const anything: Expected = { what: "anything", wrong: () => undefined }

const expected: Readonly<Record<keyof Delegate, Expected>> = {
  admit: anything,
  merge: anything,
  ackPayload: bytes,
  localState: bytes,
  broadcasts: { what: "an array of Uint8Array", wrong: notList },
  conflict: anything,
  pingComplete: anything,
  mergeRemoteState: anything
}

const mistake = (hook: keyof Delegate, text: string): TypeError => new TypeError(`the delegate's ${hook} hook ${text}`)

/** The call, which dies when the hook returns no Effect, or one that succeeds with the wrong value. */
export const checked = <A, E>(hook: keyof Delegate, call: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(
    Effect.suspend(() => {
      const returned = call()
      return Effect.isEffect(returned)
        ? returned
        : Effect.die(mistake(hook, `must be an Effect or return one, but what came is ${kindOf(returned)}`))
    }),
    (value) => {
      const { what, wrong } = expected[hook]
      const came = wrong(value)
      return came === undefined
        ? Effect.succeed(value)
        : Effect.die(mistake(hook, `must succeed with ${what}, but succeeded with ${came}`))
    }
  )

const isRejection = (error: unknown): error is { readonly reason: string } =>
  Predicate.isTagged(error, "JoinRejected") && "reason" in error && typeof error.reason === "string"

/** A failure of a hook that decides, as the refusal it is; and what was wrong with it, if anything. */
export const refusalOf = (
  hook: "admit" | "merge",
  error: unknown
): { readonly refusal: JoinRejected; readonly mistake: TypeError | undefined } => {
  // Whoever has two copies of this library makes rejections of another class.
  if (isRejection(error)) {
    const refusal = error instanceof JoinRejected ? error : new JoinRejected({ reason: error.reason })
    return { refusal, mistake: undefined }
  }
  const text = `failed with ${kindOf(error)}, which is no JoinRejected`
  return { refusal: new JoinRejected({ reason: `the delegate's ${hook} hook ${text}` }), mistake: mistake(hook, text) }
}

/** A failure of a hook that has none. */
export const unexpected = (hook: keyof Delegate, error: unknown): TypeError =>
  mistake(hook, `must not fail, but failed with ${kindOf(error)}`)
