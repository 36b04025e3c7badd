import { GitBranchIcon, TagIcon } from "@primer/octicons-react";
import Link from "next/link";
import { refs } from "../../../../../upstream/gateway.ts";
import styles from "./code.module.css";
import { codePath } from "./paths.ts";

/** Most branches and tags of the menu; the rest is reached by its address. */
const maxShown = 200;

/** Which revision one sees, and where in it one is. */
export async function PathBar(at: { org: string; repository: string; namespace: string; rev: string; path: string }) {
  const { repository, namespace, rev, path } = at;
  const { branches, tags } = await refs({ namespace, repository });
  const parts = path === "" ? [] : path.split("/");
  return (
    <div className={styles.bar}>
      <details className={styles.refs}>
        <summary className="button">
          <GitBranchIcon />{" "}
          <span className="mono truncate">{/^[0-9a-f]{40,64}$/.test(rev) ? rev.slice(0, 10) : rev}</span>
        </summary>
        <div className={styles.popup}>
          <h2>Branches · {branches.length}</h2>
          <ul>
            {branches.slice(0, maxShown).map(({ name }) => (
              <li key={name}>
                <a
                  href={codePath("tree", { ...at, rev: name, path: "" })}
                  aria-current={name === rev ? "true" : undefined}
                >
                  <GitBranchIcon /> {name}
                </a>
              </li>
            ))}
          </ul>
          {tags.length > 0 && <h2>Tags · {tags.length}</h2>}
          <ul>
            {tags.slice(0, maxShown).map(({ name }) => (
              <li key={name}>
                <a
                  href={codePath("tree", { ...at, rev: name, path: "" })}
                  aria-current={name === rev ? "true" : undefined}
                >
                  <TagIcon /> {name}
                </a>
              </li>
            ))}
          </ul>
        </div>
      </details>
      <nav aria-label="Path" className={styles.path}>
        <Link href={codePath("tree", { ...at, path: "" })} prefetch={false}>
          {repository}
        </Link>
        {parts.map((part, index) => {
          const here = parts.slice(0, index + 1).join("/");
          return (
            <span key={here}>
              <span className="faint"> / </span>
              {index === parts.length - 1 ? (
                <strong>{part}</strong>
              ) : (
                <Link href={codePath("tree", { ...at, path: here })} prefetch={false}>
                  {part}
                </Link>
              )}
            </span>
          );
        })}
      </nav>
    </div>
  );
}
