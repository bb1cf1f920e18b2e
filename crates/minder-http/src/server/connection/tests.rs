use std::io::ErrorKind;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::advance;

use super::*;

/// Runs a test whose clock stands still until nothing else is left to do.
fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

/// Whether `work` is done at once.
async fn is_ready<T>(work: impl Future<Output = T>) -> bool {
    until(async {}, work).await.is_some()
}

/// Both ends of a stream that holds 16 bytes each way, the near one being served.
fn ends() -> (Patient<DuplexStream>, Arc<Connection>, DuplexStream) {
    let (near, far) = duplex(16);
    let connection = Arc::new(Connection::new(Arc::default()));
    (Patient::new(near, connection.clone()), connection, far)
}

/// Plays a request that is answered.
fn serve_one(connection: &Connection) {
    connection.answering();
    connection.sending();
    connection.flushed();
}

#[test]
fn the_one_that_has_waited_longest_makes_room() {
    run(async {
        let all = Arc::new(Connections::new(2));
        let first = all.enter().await;
        advance(Duration::from_secs(1)).await;
        let second = all.enter().await;
        advance(Duration::from_secs(1)).await;
        serve_one(&first.connection());

        assert!(!is_ready(all.enter()).await);
        assert!(is_ready(second.connection().dismissed()).await);
        assert!(!is_ready(first.connection().dismissed()).await);
        drop(second);
        assert!(is_ready(all.enter()).await);
    });
}

#[test]
fn a_connection_that_is_being_answered_makes_no_room_until_it_waits() {
    run(async {
        let all = Arc::new(Connections::new(1));
        let place = all.enter().await;
        let connection = place.connection();
        connection.answering();
        let newcomer = tokio::spawn({
            let all = all.clone();
            async move { all.enter().await }
        });
        tokio::task::yield_now().await;
        assert!(!is_ready(connection.dismissed()).await);

        connection.sending();
        connection.flushed();
        connection.dismissed().await;
        drop(place);
        newcomer.await.unwrap();
    });
}

#[test]
fn all_are_gone_once_each_has_left() {
    run(async {
        let all = Arc::new(Connections::new(2));
        let place = all.enter().await;
        assert!(!is_ready(all.all_gone()).await);
        all.dismiss_all(Leave::Now);
        assert!(is_ready(place.connection().dismissed()).await);
        drop(place);
        assert!(is_ready(all.all_gone()).await);
    });
}

#[test]
fn a_peer_may_keep_us_waiting_for_its_next_request_for_ever() {
    run(async {
        let (mut near, connection, mut far) = ends();
        let mut bytes = [0; 16];
        far.write_all(b"GET").await.unwrap();
        assert_eq!(near.read(&mut bytes).await.unwrap(), 3);
        serve_one(&connection);

        let next = tokio::spawn(async move { near.read(&mut bytes).await.unwrap() });
        advance(Duration::from_secs(1_000_000)).await;
        far.write_all(b"POST").await.unwrap();
        assert_eq!(next.await.unwrap(), 4);
    });
}

#[test]
fn a_head_that_has_begun_must_be_finished_in_time() {
    run(async {
        let (mut near, connection, mut far) = ends();
        serve_one(&connection);
        let began = Instant::now();
        let mut bytes = [0; 16];
        let error = loop {
            far.write_all(b"x").await.unwrap();
            match near.read(&mut bytes).await {
                Ok(_) => {}
                Err(error) => break error,
            }
            // The peer drips, and then stops.
            if began.elapsed() > HEAD_TIMEOUT / 2 {
                break near.read(&mut bytes).await.unwrap_err();
            }
            advance(Duration::from_secs(10)).await;
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let elapsed = began.elapsed();
        assert!(elapsed >= HEAD_TIMEOUT && elapsed < 2 * HEAD_TIMEOUT);
    });
}

#[test]
fn a_request_that_is_being_answered_has_no_deadline() {
    run(async {
        let (mut near, connection, mut far) = ends();
        let mut bytes = [0; 16];
        far.write_all(b"GET").await.unwrap();
        assert_eq!(near.read(&mut bytes).await.unwrap(), 3);
        connection.answering();
        let next = tokio::spawn(async move { near.read(&mut bytes).await.unwrap() });
        advance(10 * HEAD_TIMEOUT).await;
        drop(far);
        assert_eq!(next.await.unwrap(), 0);
    });
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    run(async {
        let (mut near, connection, _far) = ends();
        connection.answering();
        connection.sending();
        let began = Instant::now();
        let error = near.write_all(&[0; 17]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(began.elapsed() >= STALL_TIMEOUT);
    });
}

#[test]
fn a_peer_that_takes_a_little_now_and_then_is_not() {
    run(async {
        let (mut near, connection, mut far) = ends();
        connection.answering();
        connection.sending();
        let writing = tokio::spawn(async move { near.write_all(&[0; 64]).await });
        for _ in 0..6 {
            advance(STALL_TIMEOUT / 2).await;
            far.read_exact(&mut [0; 10]).await.unwrap();
        }
        writing.await.unwrap().unwrap();
    });
}

#[test]
fn whoever_watches_a_log_may_pause() {
    run(async {
        let (mut near, connection, mut far) = ends();
        connection.answering();
        connection.streaming();
        let writing = tokio::spawn(async move { near.write_all(&[0; 17]).await });
        advance(10 * STALL_TIMEOUT).await;
        far.read_exact(&mut [0; 17]).await.unwrap();
        writing.await.unwrap().unwrap();
    });
}

#[test]
fn what_was_not_read_is_read_before_closing() {
    run(async {
        let (mut near, connection, mut far) = ends();
        connection.linger();
        let closing = tokio::spawn(async move { near.shutdown().await });
        far.write_all(&[0; 1000]).await.unwrap();
        assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0);
        drop(far);
        closing.await.unwrap().unwrap();
    });
}

#[test]
fn closing_takes_neither_long_nor_everything() {
    run(async {
        let (mut near, connection, _far) = ends();
        connection.linger();
        let began = Instant::now();
        near.shutdown().await.unwrap();
        assert!(began.elapsed() >= LINGER_TIMEOUT);

        let (mut near, connection, mut far) = ends();
        connection.linger();
        let flood = tokio::spawn(async move {
            let mut sent = 0;
            while far.write_all(&[0; 16]).await.is_ok() {
                sent += 16;
            }
            sent
        });
        let began = Instant::now();
        near.shutdown().await.unwrap();
        drop(near);
        assert!(began.elapsed() < LINGER_TIMEOUT);
        assert!(flood.await.unwrap() <= LINGER_BYTES + 32);
    });
}
