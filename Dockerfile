# One container holds the whole bot on its embedded defaults; everything it must remember lies in the volume.
FROM python:3.13-slim

WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . ./
# Compiled here, because the user below may not write beside the code.
RUN python -m compileall -q . \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin reins \
 && install -d -o reins -g reins -m 0700 /state

# The state folder is `.reins` in the current folder: here that is the volume.
# Served beyond loopback, it starts only with REINS_PUBLIC_URL=https://..., the address of the TLS proxy in front.
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1 REINS_HOST=0.0.0.0 REINS_PORT=8080
WORKDIR /state
USER reins
VOLUME /state
EXPOSE 8080

HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/v1/health', timeout=3)"]

# `exec`, so that the bot itself gets the stop signal and can finish what it has begun.
CMD ["sh", "-c", "python -m bot init --if-absent && exec python -m bot serve"]
