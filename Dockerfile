# Build from the root of the repository: the wheel and its dependencies in one stage, the bare environment in the next.
# BASE is pinned by version; give your own mirror or a digest with --build-arg.
ARG BASE=python:3.13.9-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
RUN python3 -m venv /opt/trajworker
COPY config/requirements.lock config/requirements.lock
RUN /opt/trajworker/bin/pip install --require-hashes -r config/requirements.lock
COPY pyproject.toml README.md ./
COPY .github/LICENSE .github/LICENSE
COPY src src
RUN /opt/trajworker/bin/pip install --no-deps --no-build-isolation . \
    && /opt/trajworker/bin/pip uninstall --yes hatchling trove-classifiers pip \
    && python3 -m compileall -q /opt/trajworker/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="trajworker" \
      org.opencontainers.image.description="LangSmith runs in, finished trajectories out." \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/trajworker /opt/trajworker
# Both folders belong to the numeric user, so that the root file system can be read-only.
RUN install -d -m 0700 -o 10001 -g 10001 /data /data/staging /data/out
ENV PATH=/opt/trajworker/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TRAJWORKER_STAGING_FILE=/data/staging/trajworker.db \
    TRAJWORKER_LIBRARY_STORAGE_DIR=/data/imports \
    TRAJWORKER_SINK_OUT=/data/out
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/trajworker/bin/trajworker"]
CMD ["run"]
