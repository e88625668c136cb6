/**
 * What members reported, gathered: one item for what all of them saw, in place of one for each observer.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type { EventName } from "./Line.ts"
import type { State } from "./World.ts"

export interface News {
  readonly event: EventName
  readonly member: string
  /** When the first observer reported it, and the last one so far. */
  readonly first: number
  readonly last: number
  readonly observers: ReadonlyArray<string>
  /** How many other members ran, and so could report it. */
  readonly of: number
  /** When the demo did what led to it, if it did anything. */
  readonly since: number | undefined
}

/** When the demo last did something to a member. */
const causeOf = ({ steps }: State, member: string, at: number): number | undefined =>
  steps.findLast((step) => step.member === member && step.text !== "" && step.at <= at)?.at

/** Gathers what was reported. That members join when the cluster forms is no news: a step tells it. */
export const gather = (state: State): ReadonlyArray<News> => {
  const all: Array<News & { readonly observers: Array<string> }> = []
  for (const { at, event, member, observer, others } of state.observations) {
    const known = all.findIndex((news) =>
      news.event === event && news.member === member && !news.observers.includes(observer)
    )
    const news = all[known]
    if (news !== undefined) {
      news.observers.push(observer)
      all[known] = { ...news, last: at, of: Math.max(news.of, others, news.observers.length) }
    } else if (
      event !== "MemberJoined" ||
      all.some((news) => news.member === member && (news.event === "MemberFailed" || news.event === "MemberLeft"))
    ) {
      const since = causeOf(state, member, at)
      all.push({ event, member, first: at, last: at, observers: [observer], of: Math.max(others, 1), since })
    }
  }
  return all
}

/** How long one waits for the last observers. */
const PATIENCE = 3000

const complete = (news: News): boolean => news.observers.length >= news.of

/**
 * Whether nothing more is to be expected: all have reported it, or something later of the same member, or time is
 * up.
 */
export const settled = (news: News, all: ReadonlyArray<News>, now: number): boolean =>
  complete(news) || now - news.last > PATIENCE ||
  all.slice(all.indexOf(news) + 1).some((later) => later.member === news.member && complete(later))
