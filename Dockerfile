# The first five minutes on a fresh Debian: docker build -t edgekit . && docker run --rm -v "$PWD/build:/edgekit/build" edgekit
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git make python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /edgekit
COPY . .
CMD ["make", "demo"]
