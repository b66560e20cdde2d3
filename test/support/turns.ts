/** How many turns of the event loop others have while the work goes on. */
export async function turnsDuring(work: () => unknown): Promise<number> {
  let turns = 0
  let isOver = false
  const turn = () => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  isOver = true
  return turns
}
