import { type Needs, operation } from '../../src/api/index.js'

export default operation('set_configuration', async (request, needs: Needs<'settings' | 'access'>, call) => {
  const { settings, access } = needs
  const changed = settings.change(request)
  const { live, restart } = changed
  const later = restart.length === 0 ? '' : ` Restart the node for ${restart.join(', ')} to take effect.`
  const answer = call.settle({ message: `Configuration successfully set.${later}`, ...changed })
  await access.note(call, { operation: 'set_configuration', target: [...live, ...restart].join(', '), change: request })
  return answer
})
