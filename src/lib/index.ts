// lib owns what every folder needs and what knows nothing of the product: problems, assertions, clocks, names.
export type { ProblemCode, ProblemFacts } from '../generated/problems.js'
export { Content, JsonStream, JsonText } from './answer.js'
export { assert } from './assert.js'
export { Disposals } from './disposals.js'
export { HybridClock } from './hybrid-clock.js'
export { didYouMean, nearest } from './nearest.js'
export { Problem } from './problem.js'
export { allRights, everything, type Rights, type TableAction, type View } from './view.js'
