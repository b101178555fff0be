import { z } from 'zod';
import { flag, text, texts } from './fields.ts';

// Argo CD: the code hosts that the generators scmProvider and pullRequest can ask.

const secretRef = z.strictObject({ secretName: z.string(), key: z.string() });
const token = secretRef.exactOptional();
const caRef = z.strictObject({ configMapName: z.string(), key: z.string() }).exactOptional();
const basicAuth = z.strictObject({ username: z.string(), passwordRef: secretRef }).exactOptional();
const bearerToken = z.strictObject({ tokenRef: secretRef }).exactOptional();

export const scmProviders = {
  github: z
    .strictObject({
      organization: z.string(),
      api: text,
      tokenRef: token,
      appSecretName: text,
      allBranches: flag,
      excludeArchivedRepos: flag,
    })
    .exactOptional(),
  gitlab: z
    .strictObject({
      group: z.string(),
      includeSubgroups: flag,
      api: text,
      tokenRef: token,
      allBranches: flag,
      insecure: flag,
      includeSharedProjects: flag,
      topic: text,
      caRef,
      includeArchivedRepos: flag,
    })
    .exactOptional(),
  bitbucket: z
    .strictObject({ owner: z.string(), user: z.string(), appPasswordRef: secretRef, allBranches: flag })
    .exactOptional(),
  bitbucketServer: z
    .strictObject({
      project: z.string(),
      api: z.string(),
      basicAuth,
      bearerToken,
      allBranches: flag,
      insecure: flag,
      caRef,
    })
    .exactOptional(),
  gitea: z
    .strictObject({
      owner: z.string(),
      api: z.string(),
      tokenRef: token,
      allBranches: flag,
      insecure: flag,
      excludeArchivedRepos: flag,
    })
    .exactOptional(),
  azureDevOps: z
    .strictObject({
      organization: z.string(),
      api: text,
      teamProject: z.string(),
      accessTokenRef: secretRef,
      allBranches: flag,
    })
    .exactOptional(),
  awsCodeCommit: z
    .strictObject({
      tagFilters: z.array(z.strictObject({ key: z.string(), value: text })).exactOptional(),
      role: text,
      region: text,
      allBranches: flag,
    })
    .exactOptional(),
};

export const scmProviderFilter = z.strictObject({
  repositoryMatch: text,
  pathsExist: texts,
  pathsDoNotExist: texts,
  labelMatch: text,
  branchMatch: text,
});

export const pullRequestProviders = {
  github: z
    .strictObject({
      owner: z.string(),
      repo: z.string(),
      api: text,
      tokenRef: token,
      appSecretName: text,
      labels: texts,
    })
    .exactOptional(),
  gitlab: z
    .strictObject({
      project: z.string(),
      api: text,
      tokenRef: token,
      labels: texts,
      pullRequestState: text,
      insecure: flag,
      caRef,
    })
    .exactOptional(),
  gitea: z
    .strictObject({
      owner: z.string(),
      repo: z.string(),
      api: z.string(),
      tokenRef: token,
      insecure: flag,
      labels: texts,
    })
    .exactOptional(),
  bitbucketServer: z
    .strictObject({
      project: z.string(),
      repo: z.string(),
      api: z.string(),
      basicAuth,
      bearerToken,
      insecure: flag,
      caRef,
    })
    .exactOptional(),
  bitbucket: z.strictObject({ owner: z.string(), repo: z.string(), api: text, basicAuth, bearerToken }).exactOptional(),
  azuredevops: z
    .strictObject({
      organization: z.string(),
      project: z.string(),
      repo: z.string(),
      api: text,
      tokenRef: token,
      labels: texts,
    })
    .exactOptional(),
};

export const pullRequestFilter = z.strictObject({ branchMatch: text, targetBranchMatch: text, titleMatch: text });
