import { z } from 'zod';
import { registryProvider, tagsPushed } from './registry-call.ts';

/** Older versions of Quay write tags with the ids of their images. */
const tags = z.union([z.array(z.string()), z.record(z.string(), z.unknown()).transform(Object.keys)]);
const notification = z.object({ docker_url: z.string().min(1), updated_tags: tags.optional() });

/** Quay: a "Push to Repository" notification, of quay.io or of an installation of one's own. Other notifications name no updated tags. */
export const quay = registryProvider('quay', 'quay', (payload) => {
  const { docker_url: repository, updated_tags: updated = [] } = notification.parse(payload);
  return tagsPushed([repository.replace(/^[a-z]+:\/\//u, '')], updated);
});
